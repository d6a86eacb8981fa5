package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
)

// completionCommand prints a script that makes a shell complete lsmprof's commands, flags and values.
func completionCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "completion", Args: "bash|zsh|fish", Values: cmdline.Shells(), Group: groupOther,
			Summary: "Print a completion script for a shell",
			Examples: []cmdline.Example{
				{What: "Complete in this bash", Command: "source <(lsmprof completion bash)"},
				{
					What:    "Complete in every bash",
					Command: "lsmprof completion bash | sudo tee /etc/bash_completion.d/lsmprof",
				},
				{
					What:    "Complete in every zsh",
					Command: `lsmprof completion zsh > "${fpath[1]}/_lsmprof"`,
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			return func(_ context.Context, std streams, _ []string) error {
				if f.NArg() != 1 {
					return usageError{fmt.Errorf("completion: name one shell: %s",
						strings.Join(cmdline.Shells(), ", "))}
				}
				t, _ := newTool()
				script, err := t.Completion(f.Arg(0))
				if err != nil {
					return usageError{fmt.Errorf("completion: %w", err)}
				}
				_, err = io.WriteString(std.out, script)
				return err
			}
		},
	}
}

// manCommand writes the man pages. It is hidden: `make install` and packages call it.
func manCommand() *command {
	return &command{
		Command: cmdline.Command{Name: "man", Args: "DIR", Summary: "Write the man pages to a directory"},
		setup: func(f *cmdline.Flags) action {
			return func(context.Context, streams, []string) error {
				if f.NArg() != 1 {
					return usageError{errors.New("man: name one directory")}
				}
				t, _ := newTool()
				for _, c := range t.Commands {
					addCommon(c.Flags)
				}
				for name, page := range t.ManPages("lsmprof " + version()) {
					if err := atomicfile.WriteString(filepath.Join(f.Arg(0), name),
						page); err != nil {
						return err
					}
				}
				return nil
			}
		},
	}
}
