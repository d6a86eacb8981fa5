package kernel

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
)

// Config returns the value of an option such as CONFIG_BPF_LSM in the running kernel's configuration: y, m, a number or
// a text, "" if it is not set. It fails if the machine has no file with the configuration.
func Config(option string) (string, error) {
	release, _, err := Uname()
	if err != nil {
		return "", err
	}
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return "", err
		}
		return findOption(z, option)
	}
	for _, name := range []string{
		"/boot/config-" + release, "/lib/modules/" + release + "/config",
		"/usr/lib/modules/" + release + "/config",
	} {
		if data, err := os.ReadFile(name); err == nil {
			return findOption(bytes.NewReader(data), option)
		}
	}
	return "", errors.New("kernel configuration: neither /proc/config.gz nor /boot/config-" + release + " exists")
}

func findOption(config io.Reader, option string) (string, error) {
	lines := bufio.NewScanner(config)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), option+"="); ok {
			return strings.Trim(value, `"`), nil
		}
	}
	return "", lines.Err()
}

// HasSymbol reports whether the kernel has a function with a name.
func HasSymbol(name string) (bool, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return false, err
	}
	defer f.Close()
	return findSymbol(f, name)
}

func findSymbol(kallsyms io.Reader, name string) (bool, error) {
	lines, some := bufio.NewScanner(kallsyms), false
	for lines.Scan() {
		some = true
		// address type name [module]
		if fields := bytes.Fields(lines.Bytes()); len(fields) >= 3 && string(fields[2]) == name {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil || some {
		return false, err
	}
	return false, errors.New("/proc/kallsyms is empty")
}
