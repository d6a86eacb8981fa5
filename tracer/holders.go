package tracer

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// Holder is a process that keeps a program or a link to it open.
type Holder struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

// Holders finds, in /proc, the processes that hold a descriptor of a BPF program or of a link to one. A program that is held
// only by a pin has none.
func Holders() (map[ebpf.ProgramID][]Holder, error) { return holders("/proc") }

func holders(proc string) (map[ebpf.ProgramID][]Holder, error) {
	processes, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	out := map[ebpf.ProgramID][]Holder{}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join(proc, p.Name())
		fds, err := os.ReadDir(filepath.Join(dir, "fd"))
		if err != nil {
			continue // gone, or not ours to see
		}
		held := map[ebpf.ProgramID]bool{}
		for _, fd := range fds {
			to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			if err != nil || !strings.HasPrefix(to, "anon_inode:bpf") {
				continue
			}
			if id, ok := heldProgram(filepath.Join(dir, "fdinfo", fd.Name())); ok && !held[id] {
				held[id] = true
				out[id] = append(out[id], Holder{pid, readLine(filepath.Join(dir, "comm"))})
			}
		}
	}
	return out, nil
}

// heldProgram reads the line `prog_id: N` of a program's or a link's fdinfo.
func heldProgram(fdinfo string) (ebpf.ProgramID, bool) {
	data, err := os.ReadFile(fdinfo)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "prog_id:"); ok {
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			return ebpf.ProgramID(id), err == nil
		}
	}
	return 0, false
}
