package profile

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// withStacks returns the sample with two stacks under the opens of nginx: one with symbols, one of a stripped program.
func withStacks() Snapshot {
	s := sample()
	s.StackSample = 64
	kernel := func(names ...string) (frames []Frame) {
		for i, n := range names {
			address := 0xffffffff81000000 + uint64(i)
			frames = append(frames, Frame{Function: n, Module: "[kernel]", Address: address, Offset: 5})
		}
		return frames
	}
	libc := Frame{Function: "open64", Module: "/usr/lib/libc.so.6", Offset: 91}
	for i := range s.Rows {
		if s.Rows[i].Syscall == "openat" && s.Rows[i].Workload == nginx {
			s.Rows[i].Stacks = []Stack{
				{
					Kernel: kernel("security_file_open", "do_sys_openat2", "do_syscall_64"),
					User:   []Frame{libc, {Function: "main", Module: "/usr/sbin/nginx"}}, Count: 2,
				},
				{
					Kernel: kernel("security_file_open", "do_sys_openat2", "do_syscall_64"),
					User:   []Frame{{Module: "/usr/bin/stripped\x1b", Offset: 4096}}, Count: 1,
				},
			}
		}
	}
	return s
}

func TestStacksLieBetweenSyscallAndHook(t *testing.T) {
	p, err := costs(t, withStacks()).Profile()
	if err != nil {
		t.Fatal(err)
	}
	const inKernel = " > syscall.openat > do_syscall_64 > do_sys_openat2 > security_file_open" +
		" > hook.file_open > program.varmor_file_open > cost.program body [vArmor]"
	for _, want := range []string{
		"workload.web/nginx-0/nginx > rules.8 rules > main > open64" + inKernel,
		"workload.web/nginx-0/nginx > rules.8 rules > /usr/bin/stripped?+0x1000" + inKernel,
	} {
		if all := stacks(p); !slices.Contains(all, want) {
			t.Errorf("no stack %q in\n%s", want, strings.Join(all, "\n"))
		}
	}
}

// Processes choose the names of what they map. Receivers refuse a whole profile for one string that is not UTF-8.
func TestStringsOfAProfileAreOnlyText(t *testing.T) {
	const hostile = "x\x1b[2J\xff\r"
	s := withStacks()
	for i := range s.Rows {
		w := &s.Rows[i].Workload
		for _, name := range []*string{
			&w.Comm, &w.Namespace, &w.Pod, &w.Container, &w.Image,
			&s.Rows[i].Policy,
		} {
			*name += hostile
		}
		for _, stack := range s.Rows[i].Stacks {
			for k := range stack.User {
				stack.User[k].Module += hostile
				stack.User[k].Function += hostile
			}
		}
	}
	p, err := costs(t, s).Profile()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Clone(p.Comments)
	for _, m := range p.Mapping {
		all = append(all, m.File, m.BuildID)
	}
	for _, f := range p.Function {
		all = append(all, f.Name, f.SystemName, f.Filename)
	}
	for _, sample := range p.Sample {
		for _, values := range sample.Label {
			all = append(all, values...)
		}
	}
	for _, text := range all {
		if strings.ContainsFunc(text, func(r rune) bool { return r == '\uFFFD' || !unicode.IsPrint(r) }) {
			t.Errorf("%q", text)
		}
	}
}

// The parts of a row add up to the row.
func TestStacksChangeNoTotal(t *testing.T) {
	without, err := costs(t, sample()).Profile()
	if err != nil {
		t.Fatal(err)
	}
	with, err := costs(t, withStacks()).Profile()
	if err != nil {
		t.Fatal(err)
	}
	var want, got [4]int64
	for _, s := range without.Sample {
		for i, v := range s.Value {
			want[i] += v
		}
	}
	for _, s := range with.Sample {
		for i, v := range s.Value {
			got[i] += v
		}
	}
	if got != want || len(with.Sample) <= len(without.Sample) {
		t.Errorf("%v in %d samples, want %v in more than %d", got, len(with.Sample), want, len(without.Sample))
	}
	sampled := func(comment string) bool { return strings.HasPrefix(comment, "stacks: 1 of 64 calls") }
	if !slices.ContainsFunc(with.Comments, sampled) {
		t.Errorf("no comment says how stacks were sampled: %q", with.Comments)
	}
}
