package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LSMs returns the active security modules in the order in which the kernel calls them.
func LSMs() ([]string, error) {
	data, err := readPseudo("securityfs", "/sys/kernel/security", "lsm")
	if err != nil {
		return nil, fmt.Errorf("list of security modules: %w", err)
	}
	list := parseLSMs(string(data))
	if len(list) == 0 {
		return nil, errors.New("list of security modules: /sys/kernel/security/lsm is empty")
	}
	return list, nil
}

func parseLSMs(list string) []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(list), ","), func(s string) bool { return s == "" })
}

// BootLSM returns the kernel parameter that adds bpf to the active security modules and keeps their order.
func BootLSM(active []string) string {
	list := slices.Clone(active)
	if !slices.Contains(list, "bpf") {
		list = append(list, "bpf")
	}
	return "lsm=" + strings.Join(list, ",")
}

// LSMParameter returns the lsm= parameter on the kernel's command line, "" if there is none.
func LSMParameter() string {
	if list := bootParameter("lsm="); list != "" {
		return "lsm=" + list
	}
	return ""
}

// Lockdown returns the lockdown state: none, integrity or confidentiality; "" if the kernel does not support lockdown.
func Lockdown() string {
	data, err := readPseudo("securityfs", "/sys/kernel/security", "lockdown")
	if err != nil {
		return ""
	}
	return bracketed(string(data))
}

// bracketed returns the choice in force in a file like `none [integrity] confidentiality`.
func bracketed(choices string) string {
	_, rest, ok := strings.Cut(choices, "[")
	choice, _, closed := strings.Cut(rest, "]")
	if !ok || !closed {
		return ""
	}
	return strings.TrimSpace(choice)
}
