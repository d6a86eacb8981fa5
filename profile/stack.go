package profile

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Stack is the call path to a call of a program, innermost function first: from the hook to the syscall in the kernel,
// and from there on in the process that made the syscall.
type Stack struct {
	Kernel, User []Frame
	Count        uint64 // how often it was sampled
}

// Frame is one function of a stack.
type Frame struct {
	Function string // "" if the symbol is unknown
	Module   string // [kernel], a kernel module as [nf_tables], or the path of a program or library
	Address  uint64
	Offset   uint64 // into the function or, if that is unknown, into the module
}

// String returns the frame as stack traces show it: open64+0x5b (/usr/lib/libc.so.6).
func (f Frame) String() string {
	switch {
	case f.Function == "":
		return text.Printable(fmt.Sprintf("%s+%#x", f.Module, f.Offset))
	case f.Module == "[kernel]":
		return text.Printable(fmt.Sprintf("%s+%#x", f.Function, f.Offset))
	}
	return text.Printable(fmt.Sprintf("%s+%#x (%s)", f.Function, f.Offset, f.Module))
}

// label returns the function's name or, without one, where it is.
func (f Frame) label() string {
	if f.Function == "" {
		return f.String()
	}
	return text.Printable(f.Function)
}

// Key returns a string that is equal for two stacks if a profile shows both the same way.
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
