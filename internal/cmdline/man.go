package cmdline

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ManPages returns the man pages of the tool and its commands by the names of their files, such as lsmprof-record.1.
// The version stands at the foot of each page: "lsmprof v1.2.3".
func (t *Tool) ManPages(version string) map[string]string {
	pages := map[string]string{t.Name + ".1": t.man(version)}
	for _, name := range t.Names() {
		pages[t.Name+"-"+name+".1"] = t.Find(name).man(t, version)
	}
	return pages
}

func (t *Tool) man(version string) string {
	var m manual
	m.title(t.Name, version, t.Summary)
	m.section("SYNOPSIS")
	m.line(`.B ` + roff(t.Name) + ` \fICOMMAND\fR [\fIflags\fR]`)
	groups, byGroup := t.visible()
	for _, g := range groups {
		m.section(strings.ToUpper(g))
		for _, c := range byGroup[g] {
			m.term(`\fB`+roff(t.Name+"-"+c.Name)+`\fR(1)`, c.Summary+".")
		}
	}
	m.environment("Flags can also be set in the environment: LSMPROF_PID=N sets --pid of every command that has " +
		"this flag, LSMPROF_RECORD_PID=N that of record alone. The command line takes precedence.")
	m.exits(t)
	m.section("SEE ALSO")
	m.text(t.URL)
	return m.String()
}

func (c *Command) man(t *Tool, version string) string {
	var m manual
	m.title(t.Name+"-"+c.Name, version, c.Summary)
	m.section("SYNOPSIS")
	m.line(`.B ` + roff(c.usage(t)))
	m.section("DESCRIPTION")
	m.text(c.Summary + ".")
	for _, p := range paragraphs(c.Text) {
		m.line(".PP")
		m.text(p)
	}
	groups, byGroup := c.Flags.groups(true)
	for _, g := range groups {
		m.section(strings.ToUpper(g))
		for _, flag := range byGroup[g] {
			m.term(`\fB`+roff(strings.TrimSpace(flagHead(flag)))+`\fR`, describe(flag))
		}
	}
	if len(c.Examples) > 0 {
		m.section("EXAMPLES")
	}
	for _, e := range c.Examples {
		m.line(".PP")
		m.text(e.What + ":")
		m.line(".PP\n.RS 4\n.nf\n" + roff(e.Command) + "\n.fi\n.RE")
	}
	if s := c.Flags.environment(); s != "" {
		m.environment(s)
	}
	m.exits(t)
	m.section("SEE ALSO")
	m.text(t.Name + "(1), " + t.URL)
	return m.String()
}

// manual is a man page in the making.
type manual struct{ strings.Builder }

func (m *manual) line(s string) { m.WriteString(s + "\n") }

func (m *manual) text(s string) { m.line(roff(s)) }

func (m *manual) section(name string) { m.line(".SH " + quoted(name)) }

func (m *manual) title(name, version, summary string) {
	m.line(fmt.Sprintf(".TH %s 1 \"\" %s %s", quoted(strings.ToUpper(name)), quoted(version),
		quoted("User commands")))
	m.section("NAME")
	m.line(roff(name) + ` \- ` + roff(strings.TrimSuffix(summary, ".")))
}

func (m *manual) term(term, description string) {
	m.line(".TP\n" + term)
	m.text(description)
}

func (m *manual) environment(s string) {
	m.section("ENVIRONMENT")
	m.text(s)
}

func (m *manual) exits(t *Tool) {
	m.section("EXIT STATUS")
	for _, e := range t.Exits {
		m.term(fmt.Sprintf(`\fB%d\fR`, e.Status), e.Meaning)
	}
}

// roff writes text so that troff prints it as it is.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") { // the first character would make it a request
		s = `\&` + s
	}
	s = strings.NewReplacer("\n.", "\n\\&.", "\n'", "\n\\&'").Replace(s)
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}

func quoted(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `\(dq`) + `"` }
