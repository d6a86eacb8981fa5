package rundir

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadResults reads results.jsonl, and returns how many of its bytes are whole lines. A last line that was cut, by a crash or a full
// disk, does not count.
func ReadResults(f io.Reader) (results []Result, whole int64, err error) {
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return results, whole, nil // what has no newline was cut
		}
		if err != nil {
			return nil, 0, err
		}
		var res Result
		if err := json.Unmarshal(line, &res); err != nil {
			if _, peek := r.Peek(1); errors.Is(peek, io.EOF) {
				return results, whole, nil // blocks of a file may reach the disk without those before them
			}
			return nil, 0, fmt.Errorf("line %d: %w; remove the line to go on without it", n, err)
		}
		results = append(results, res)
		whole += int64(len(line))
	}
}
