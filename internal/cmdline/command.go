// Package cmdline declares a command line once: the words, flags and examples of each command. Help, man pages, shell
// completion, flags from the environment and suggestions for misspelled words all come from that declaration.
//
// It prints nothing and exits nowhere: functions return text or errors, and the caller decides where they go.
package cmdline

import "slices"

// Tool is a program whose first argument names a command.
type Tool struct {
	Name     string
	Summary  string // one sentence
	URL      string // of the documentation
	Commands []*Command
	Exits    []Exit
}

// Exit describes an exit status in the man page.
type Exit struct {
	Status  int
	Meaning string
}

// Command is one verb of a Tool.
type Command struct {
	Name    string
	Args    string   // after the flags: "RUN [NEWER-RUN]"
	Values  []string // of the first argument, for completion
	Summary string   // begins with a verb and has no full stop: "Profile until Ctrl-C"
	// Text says more, in paragraphs that an empty line separates. It may be empty.
	Text string
	// Group is the headline under which the tool's help lists the command. A command without one is hidden.
	Group    string
	Examples []Example
	Flags    *Flags
}

// Example is a command line that a reader can paste, and what it does.
type Example struct{ What, Command string }

// Find returns the command with this name, or nil.
func (t *Tool) Find(name string) *Command {
	i := slices.IndexFunc(t.Commands, func(c *Command) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return t.Commands[i]
}

// visible returns the commands that the help lists, by group, and the groups in order.
func (t *Tool) visible() (groups []string, byGroup map[string][]*Command) {
	byGroup = map[string][]*Command{}
	for _, c := range t.Commands {
		if c.Group == "" {
			continue
		}
		if byGroup[c.Group] == nil {
			groups = append(groups, c.Group)
		}
		byGroup[c.Group] = append(byGroup[c.Group], c)
	}
	return groups, byGroup
}

// Names returns the names of the commands that are not hidden.
func (t *Tool) Names() []string {
	var names []string
	groups, byGroup := t.visible()
	for _, g := range groups {
		for _, c := range byGroup[g] {
			names = append(names, c.Name)
		}
	}
	return names
}
