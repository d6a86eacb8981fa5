package lsm

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// Holder is a process with an open descriptor of a program, or of a link to it.
type Holder struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

// Holders finds, in /proc, the processes that hold each BPF program open. A program that only a pin keeps loaded has
// no entry.
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
			continue // the process ended, or is not ours to see
		}
		held := map[ebpf.ProgramID]bool{}
		for _, fd := range fds {
			to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			if err != nil || !strings.HasPrefix(to, "anon_inode:bpf") {
				continue
			}
			if id, ok := heldProgram(filepath.Join(dir, "fdinfo", fd.Name())); ok && !held[id] {
				held[id] = true
				comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
				out[id] = append(out[id], Holder{pid, strings.TrimSpace(string(comm))})
			}
		}
	}
	return out, nil
}

// heldProgram reads the line `prog_id: N` from the fdinfo of a program or a link.
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
