package reference

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
)

// Run keeps policy in force for targets until ctx is done. A line of numbers, such as file=16, replaces those of the
// policy's fillers; what the policy denies stays denied. Run calls inForce whenever the rules are complete, and refused
// with the error of a line that it ignores.
func Run(
	ctx context.Context, policy Policy, targets Targets, numbers io.Reader,
	inForce func(*Enforcer, Policy) error, refused func(error),
) (err error) {
	e, err := Load()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	// The rules must be complete before the programs look them up.
	if err := targets.Confine(e, policy); err != nil {
		return err
	}
	if err := e.Attach(); err != nil {
		return err
	}
	if err := inForce(e, policy); err != nil {
		return err
	}
	lines := readLines(ctx, numbers)
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				lines = nil // at the end of numbers; go on
				continue
			}
			next, err := policy.withFillers(line)
			if err != nil {
				refused(err)
				continue
			}
			policy = next
			if err := targets.Confine(e, policy); err != nil {
				return err
			}
			if err := inForce(e, policy); err != nil {
				return err
			}
		}
	}
}

// withFillers returns the policy with the numbers of rules in line.
func (p Policy) withFillers(line string) (Policy, error) {
	fillers, err := ParseRules(line)
	if err != nil {
		return p, err
	}
	p.Fillers = fillers
	return p, p.Check()
}

// readLines sends the lines of r that are not empty until ctx is done, and closes the channel at the end of r.
func readLines(ctx context.Context, r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			line := strings.TrimSpace(s.Text())
			if line == "" {
				continue
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
