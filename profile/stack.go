package profile

import (
	"fmt"
	"strings"
)

// Stack is how an invocation was come by: the functions of the kernel from the hook to the syscall, and those of the program that
// called it, the innermost first.
type Stack struct {
	Kernel, User []Frame
	Count        uint64 // how often it was sampled
}

// Frame is a place in a stack.
type Frame struct {
	Function string // "" where no symbol is known
	Module   string // [kernel], a kernel module as [nf_tables], or the path of a program or library
	Address  uint64
	Offset   uint64 // into the function; without one, into the module
}

// String is the frame as a stack of text shows it: open64+0x5b (/usr/lib/libc.so.6).
func (f Frame) String() string {
	switch {
	case f.Function == "":
		return printable(fmt.Sprintf("%s+%#x", f.Module, f.Offset))
	case f.Module == "[kernel]":
		return printable(fmt.Sprintf("%s+%#x", f.Function, f.Offset))
	}
	return printable(fmt.Sprintf("%s+%#x (%s)", f.Function, f.Offset, f.Module))
}

// label is the function or, without a name, the place.
func (f Frame) label() string {
	if f.Function == "" {
		return f.String()
	}
	return printable(f.Function)
}

// Key tells stacks apart by what a profile shows of them.
func (s Stack) Key() string {
	var b strings.Builder
	for _, frames := range [][]Frame{s.Kernel, s.User} {
		for _, f := range frames {
			b.WriteString("\n" + f.Module + " " + f.label())
		}
		b.WriteString("\n")
	}
	return b.String()
}
