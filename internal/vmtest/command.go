package vmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// utf8Locale is part of Debian's libc-bin, which every machine has.
const utf8Locale = "/usr/lib/locale/C.utf8"

// Command returns the files that a guest needs to run a command of this machine: the command, its libraries, its
// dynamic linker and a UTF-8 locale, at the same paths as here.
func Command(name string) ([]Copy, error) {
	bin, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%w; make deps installs what the tests need", err)
	}
	needed := []Copy{{bin, bin}}
	if static, err := IsStatic(bin); err != nil || static {
		return needed, err
	}
	out, err := exec.Command("ldd", bin).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w", bin, err)
	}
	for _, lib := range libraries(string(out)) {
		needed = append(needed, Copy{lib, lib})
	}
	if _, err := os.Stat(utf8Locale); err == nil {
		needed = append(needed, Copy{utf8Locale, utf8Locale})
	}
	return needed, nil
}

// libraries returns the absolute paths in the output of ldd: `libc.so.6 => /lib/libc.so.6 (0x7f…)`,
// `/lib64/ld-linux-x86-64.so.2 (0x7f…)`.
func libraries(ldd string) (paths []string) {
	for line := range strings.Lines(ldd) {
		fields := strings.Fields(line)
		for i, f := range fields {
			if filepath.IsAbs(f) && (i == 0 || fields[i-1] == "=>") {
				paths = append(paths, f)
			}
		}
	}
	return paths
}
