package score

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
)

// importCSV reads the file that UB_OUTPUT_CSV=true writes: a row of scores for each number of copies. 5.1.3 writes
// none.
func importCSV(data []byte) (*Report, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1 // a run without results has only its number of copies
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0][0] != "Concurrency" {
		return nil, errors.New("the first column is not Concurrency; give the file that UB_OUTPUT_CSV=true " +
			"writes")
	}
	r := &Report{}
	for n, row := range rows[1:] {
		copies, err := strconv.Atoi(row[0])
		if err != nil || copies < 1 {
			return nil, fmt.Errorf("row %d: %q is not a number of copies", n+2, row[0])
		}
		s := Section{Copies: copies}
		if len(row) == 1 {
			r.warn("%s", s.withoutResults("6.0"))
		} else if len(row) != len(rows[0]) {
			return nil, fmt.Errorf("row %d has %d fields, and the first row %d: tests that do not run "+
				"with %s have no result, and the file does not say which; give the report or the .log",
				n+2, len(row), len(rows[0]), s.copies())
		}
		for i, field := range row[1:] {
			score, err := parseDecimal(field)
			if err != nil {
				return nil, fmt.Errorf("row %d, %q: %w", n+2, rows[0][i+1], err)
			}
			s.Tests = append(s.Tests, Imported{Label: rows[0][i+1], Score: score})
		}
		r.Sections = append(r.Sections, s)
	}
	return r, nil
}
