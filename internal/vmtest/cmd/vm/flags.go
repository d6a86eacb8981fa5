package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

var errHelp = flag.ErrHelp

const usage = `usage: vm [flags] -- 'shell line'
       vm [flags] -exec BINARY ARGS...      (go test -exec 'vm -kernel 6.1 -exec')
       vm -kernel NAME -fetch               fetch the kernel into the cache, print path and version
Runs a command in a QEMU guest; its exit status is passed on. Exit status 123: an emulated CPU hung; 124: ran past
-timeout; 125: the guest failed; 77: the kernel is neither in the cache nor on this machine's mirrors.
`

type options struct {
	vmtest.Config
	fetch bool
}

// copies is a repeated flag FROM:TO.
type copies []vmtest.Copy

func (c *copies) String() string { return "" }

func (c *copies) Set(s string) error {
	from, to, ok := strings.Cut(s, ":")
	if !ok || from == "" || to == "" {
		return fmt.Errorf("%q is not FROM:TO", s)
	}
	*c = append(*c, vmtest.Copy{From: from, To: to})
	return nil
}

type words []string

func (w *words) String() string     { return "" }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

func parse(args []string, stderr io.Writer) (options, error) {
	var c options
	f := flag.NewFlagSet("vm", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.StringVar(&c.Kernel, "kernel", "6.1", strings.Join(vmtest.Kernels, ", ")+" or a path with a slash")
	f.StringVar(&c.Accel, "accel", "auto", "auto, tcg or kvm; auto takes kvm only after a guest booted with it")
	f.BoolVar(&c.Icount, "icount", false, "deterministic: one vCPU, one ns of guest time per instruction")
	f.IntVar(&c.CPUs, "smp", 2, "vCPUs")
	f.StringVar(&c.Memory, "memory", "1G", "guest memory")
	f.StringVar(&c.Append, "append", "", "added to the kernel's command line")
	f.StringVar(&c.Dir, "dir", "", "folder in the guest to run in")
	f.DurationVar(&c.Timeout, "timeout", 0,
		"limit for the command in CPU time of the guest (default 10m, or go test's own)")
	f.BoolVar(&c.Verbose, "v", false, "show the kernel's console")
	f.BoolVar(&c.fetch, "fetch", false, "fetch the kernel and exit")
	f.Var((*copies)(&c.In), "in", "HOST:GUEST, copy a file or folder into the guest; repeatable")
	f.Func("with", "NAME, copy a command of this machine and its libraries into the guest; repeatable",
		func(name string) error {
			needed, err := vmtest.Command(name)
			c.In = append(c.In, needed...)
			return err
		})
	f.Var((*copies)(&c.Out), "out", "GUEST:HOSTDIR, copy a file or a folder's contents out afterwards; repeatable")
	f.Var((*words)(&c.Disks), "disk", "raw image as a disk, the first is /dev/nvme0n1 without -out; repeatable")
	f.Var((*words)(&c.Env), "env", "NAME=VALUE for the command; repeatable")
	binary := f.Bool("exec", false, "the first argument is a host binary to copy in and run, with ./testdata")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "LSMPROF_") {
			c.Env = append([]string{kv}, c.Env...)
		}
	}
	switch rest := f.Args(); {
	case c.fetch:
		return c, nil
	case len(rest) == 0:
		return c, errors.New("no command; vm -h shows the usage")
	case *binary:
		return c, c.execTest(rest)
	case len(rest) == 1:
		c.Args = []string{"/bin/sh", "-c", rest[0]}
	default:
		c.Args = rest
	}
	return c, nil
}

// execTest runs a test binary as go test would: in its package's folder, with testdata.
func (c *options) execTest(args []string) error {
	host, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if static, err := vmtest.IsStatic(host); err != nil {
		return err
	} else if !static {
		return fmt.Errorf("%s is dynamically linked; the guest has no libraries: build it with CGO_ENABLED=0",
			args[0])
	}
	cwd, err := os.Getwd()
	if err != nil {
		return err
	}
	guest := "/usr/local/bin/" + filepath.Base(host)
	c.In = append(c.In, vmtest.Copy{From: host, To: guest})
	if c.Dir == "" {
		c.Dir = "/src/" + filepath.Base(cwd)
		c.In = append(c.In, vmtest.Copy{From: os.DevNull, To: c.Dir + "/.keep"})
		if _, err := os.Stat("testdata"); err == nil {
			c.In = append(c.In, vmtest.Copy{From: "testdata", To: c.Dir + "/testdata"})
		}
	}
	c.Args = []string{guest}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "-test.testlogfile", "-test.gocoverdir":
			continue // host paths; go test works without them
		case "-test.timeout":
			// The binary's own panic with its stacks says more than ours: let it come first.
			if d, err := time.ParseDuration(value); err == nil && d > 0 && c.Timeout == 0 {
				c.Timeout = d + 15*time.Second
			}
		}
		c.Args = append(c.Args, a)
	}
	return nil
}
