package rundir

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadResults reads results.jsonl, and returns how many of its bytes are whole lines. It ignores a last line that was
// cut off by a crash or a full disk.
func ReadResults(f io.Reader) (results []Result, whole int64, err error) {
	r := bufio.NewReaderSize(f, maxLine)
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return results, whole, nil // no newline: cut off
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, 0, fmt.Errorf("line %d has more than %d MiB; remove it to go on without it", n,
				maxLine>>20)
		case err != nil:
			return nil, 0, err
		case whole+int64(len(line)) > maxResults:
			return nil, 0, fmt.Errorf("more than %d MiB of results", maxResults>>20)
		}
		var res Result
		if err := json.Unmarshal(line, &res); err != nil {
			if _, peek := r.Peek(1); errors.Is(peek, io.EOF) {
				// blocks of a file may reach the disk without those before them
				return results, whole, nil
			}
			return nil, 0, fmt.Errorf("line %d: %w; remove the line to go on without it", n, err)
		}
		results = append(results, res)
		whole += int64(len(line))
	}
}
