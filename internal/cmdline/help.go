package cmdline

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/text"
)

// maxWidth keeps lines readable on wide terminals.
const maxWidth = 100

// Help returns the help of the tool: its commands by group, for a terminal with this many columns.
func (t *Tool) Help(width int) string {
	width = min(width, maxWidth)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s COMMAND [flags]\n", text.Wrap(t.Summary, width, ""), t.Name)
	groups, byGroup := t.visible()
	name := 0
	for _, n := range t.Names() {
		name = max(name, len(n))
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n", g)
		for _, c := range byGroup[g] {
			b.WriteString(item("  "+c.Name, c.Summary, name+4, width))
		}
	}
	fmt.Fprintf(&b, "\n`%[1]s help COMMAND` describes a command and its flags.\nDocumentation: %[2]s\n", t.Name,
		t.URL)
	return b.String()
}

// Help returns the help of a command for a terminal with this many columns. It leaves out rare flags unless all is set.
func (c *Command) Help(t *Tool, width int, all bool) string {
	width = min(width, maxWidth)
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\nUsage:\n  %s\n", text.Wrap(c.Summary, width, ""), c.usage(t))
	for _, p := range paragraphs(c.Text) {
		fmt.Fprintf(&b, "\n%s\n", text.Wrap(p, width, ""))
	}
	if len(c.Examples) > 0 {
		b.WriteString("\nExamples:\n")
	}
	for i, e := range c.Examples {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  # %s\n  %s\n", text.Wrap(e.What, width-4, "  # "), e.Command)
	}
	groups, byGroup := c.Flags.groups(all)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n", g)
		for _, flag := range byGroup[g] {
			b.WriteString(item(flagHead(flag), describe(flag), flagColumn, width))
		}
	}
	more := c.Flags.environment()
	if !all && c.Flags.hasRare() {
		more = "--help-all lists more flags. " + more
	}
	fmt.Fprintf(&b, "\n%s\nDocumentation: %s\n", text.Wrap(more, width, ""), t.URL)
	return b.String()
}

func (c *Command) usage(t *Tool) string {
	return strings.TrimSpace(t.Name + " " + c.Name + " [flags] " + c.Args)
}

// flagColumn is where the descriptions of flags begin.
const flagColumn = 30

// item formats a term with its description in its own column, which begins on the next line in a narrow terminal.
func item(term, description string, column, width int) string {
	if width < column+30 {
		return term + "\n      " + text.Wrap(description, width-6, "      ") + "\n"
	}
	indent := strings.Repeat(" ", column)
	wrapped := text.Wrap(description, width-column, "")
	wrapped = strings.ReplaceAll(wrapped, "\n", "\n"+indent)
	if pad := column - len(term); pad >= 2 {
		return term + indent[:pad] + wrapped + "\n"
	}
	return term + "\n" + indent + wrapped + "\n"
}

// flagHead formats a flag as one types it: "  -d, --duration DURATION".
func flagHead(flag *pflag.Flag) string {
	head := "      --" + flag.Name
	if flag.Shorthand != "" {
		head = "  -" + flag.Shorthand + ", --" + flag.Name
	}
	value := placeholder(flag)
	switch {
	case value == "":
		return head
	case flag.NoOptDefVal != "":
		return head + "[=" + value + "]"
	}
	return head + " " + value
}

// placeholder stands for the value of a flag: what its usage has in backquotes, else a word for its type. It is empty
// for a flag that takes none.
func placeholder(flag *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(flag)
	if strings.Contains(flag.Usage, "`") {
		return name
	}
	switch kind := flag.Value.Type(); kind {
	case "bool":
		return ""
	case "int", "int64", "uint", "uint64":
		return "N"
	case "float64":
		return "NUMBER"
	case "string":
		return "TEXT"
	case "stringSlice":
		return "NAME,..."
	case "uintSlice", "intSlice":
		return "N,..."
	default:
		return kind
	}
}

// describe returns the usage of a flag, with its default unless that is empty or zero.
func describe(flag *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(flag)
	switch flag.DefValue {
	case "", "[]", "false", "0", "0s":
		return usage
	}
	return fmt.Sprintf("%s (default %s)", usage, strings.Trim(flag.DefValue, "[]"))
}

func (f *Flags) hasRare() bool {
	found := false
	f.VisitAll(func(flag *pflag.Flag) { found = found || !flag.Hidden && flag.Annotations[rareKey] != nil })
	return found
}

// environment returns sentences about EnvNames, with the first flag that has some as their example.
func (f *Flags) environment() (s string) {
	f.VisitAll(func(flag *pflag.Flag) {
		if names := f.EnvNames(flag); s == "" && len(names) > 0 {
			const format = "Flags can also be set in the environment, for example --%[1]s with " +
				"%[3]s=%[4]s, or for this command alone with %[2]s=%[4]s. " +
				"The command line takes precedence."
			value := cmp.Or(strings.TrimSuffix(placeholder(flag), ",..."), "true")
			s = fmt.Sprintf(format, flag.Name, names[0], names[1], value)
		}
	})
	return s
}

func paragraphs(s string) []string {
	var all []string
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}
