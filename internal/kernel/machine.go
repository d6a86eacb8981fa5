package kernel

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Uname returns the release (`6.12.9-cloud-amd64`) and the build string (`#1 SMP PREEMPT_DYNAMIC …`) of the running
// kernel.
func Uname() (release, build string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", fmt.Errorf("uname: %w", err)
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), nil
}

// CPUModel returns the name of the first CPU, "unknown" if /proc/cpuinfo does not have it.
func CPUModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	return cpuModel(data)
}

// cpuModel returns the name of the first CPU. On arm64 that is the number of the implementer and of the part.
func cpuModel(cpuinfo []byte) string {
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(cpuinfo))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if key = strings.TrimSpace(key); ok && fields[key] == "" {
			fields[key] = strings.TrimSpace(value)
		}
	}
	switch {
	case fields["model name"] != "":
		return fields["model name"]
	case fields["CPU part"] != "":
		return "implementer " + fields["CPU implementer"] + " part " + fields["CPU part"]
	}
	return "unknown"
}

// Version is a kernel version without its patch level, such as 5.18.
type Version struct{ Major, Minor int }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// ParseVersion returns the version in a release such as 6.12.9-cloud-amd64.
func ParseVersion(release string) (Version, error) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		minor = rest[:i]
	}
	a, errA := strconv.ParseUint(major, 10, 16)
	b, errB := strconv.ParseUint(minor, 10, 16)
	if errA != nil || errB != nil {
		return Version{}, fmt.Errorf("kernel release %q is not of the form 6.12.9-name", release)
	}
	return Version{int(a), int(b)}, nil
}
