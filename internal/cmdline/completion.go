package cmdline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// CompleteCommand is the hidden command that the scripts of Completion call with the words up to the cursor. Its output
// is what Complete returns, one candidate a line.
const CompleteCommand = "__complete"

// Complete returns the candidates for the last of the words after the tool's name: commands, flags, or values of a
// flag. Each is a word, which a tab and a description may follow. Without candidates the shell should complete names of
// files.
func (t *Tool) Complete(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	if len(words) == 1 {
		return t.completeCommand(last)
	}
	if words[0] == "help" && len(words) == 2 {
		return t.completeCommand(last)
	}
	c := t.Find(words[0])
	if c == nil || slices.Contains(words[:len(words)-1], "--") {
		return nil
	}
	before := words[len(words)-2]
	if flag := c.Flags.lookup(before); flag != nil && placeholder(flag) != "" && flag.NoOptDefVal == "" {
		return c.Flags.completeValue(flag, "", last)
	}
	if name, value, ok := strings.Cut(last, "="); ok {
		if flag := c.Flags.lookup(name); flag != nil {
			return c.Flags.completeValue(flag, name+"=", value)
		}
		return nil
	}
	if strings.HasPrefix(last, "-") {
		return c.Flags.completeName(last)
	}
	return slices.DeleteFunc(slices.Clone(c.Values), func(v string) bool { return !strings.HasPrefix(v, last) })
}

func (t *Tool) completeCommand(prefix string) (all []string) {
	for _, name := range t.Names() {
		if strings.HasPrefix(name, prefix) {
			all = append(all, name+"\t"+t.Find(name).Summary)
		}
	}
	return all
}

// lookup finds a flag by --name or -n.
func (f *Flags) lookup(word string) *pflag.Flag {
	if name, ok := strings.CutPrefix(word, "--"); ok {
		return f.Lookup(name)
	}
	if len(word) == 2 && word[0] == '-' && word[1] != '-' {
		return f.ShorthandLookup(word[1:])
	}
	return nil
}

func (f *Flags) completeName(prefix string) (all []string) {
	f.VisitAll(func(flag *pflag.Flag) {
		if word := "--" + flag.Name; !flag.Hidden && strings.HasPrefix(word, prefix) {
			_, usage := pflag.UnquoteUsage(flag)
			all = append(all, word+"\t"+usage)
		}
	})
	return all
}

// completeValue completes the last part of a value that may be a list.
func (f *Flags) completeValue(flag *pflag.Flag, prefix, value string) (all []string) {
	var values []string
	if v, ok := flag.Value.(interface{ Choices() []string }); ok {
		values = v.Choices()
	}
	if more := f.values[flag.Name]; more != nil {
		values = append(values, more()...)
	}
	if i := strings.LastIndex(value, ","); i >= 0 {
		prefix, value = prefix+value[:i+1], value[i+1:]
	}
	for _, v := range values {
		if strings.HasPrefix(v, value) {
			all = append(all, prefix+v)
		}
	}
	return all
}

// Shells returns the shells that Completion knows.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion returns a script that makes a shell complete the tool's commands, flags and their values, or an error for
// a shell that it does not know.
func (t *Tool) Completion(shell string) (string, error) {
	script, ok := map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
	if !ok {
		return "", fmt.Errorf("%s: must be %s", shell, or(Shells()))
	}
	return strings.NewReplacer("TOOL", t.Name, "COMPLETE", CompleteCommand).Replace(script), nil
}

// bash treats = as a word of its own, so the script cuts off everything up to it.
const bash = `# bash completion for TOOL: source <(TOOL completion bash)
_TOOL() {
	local line="${COMP_LINE:0:COMP_POINT}" words candidates cut
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	mapfile -t candidates < <("${words[0]}" COMPLETE "${words[@]:1}" 2>/dev/null | cut -f1)
	if ((${#candidates[@]} == 0)); then
		compopt -o default
		COMPREPLY=()
		return
	fi
	cut="${words[-1]}"
	if [[ $cut == *=* && $COMP_WORDBREAKS == *=* ]]; then
		candidates=("${candidates[@]#"${cut%%=*}="}")
	fi
	COMPREPLY=("${candidates[@]}")
}
complete -F _TOOL TOOL
`

const zsh = `#compdef TOOL
# zsh completion for TOOL: TOOL completion zsh > "${fpath[1]}/_TOOL"
_TOOL() {
	local -a candidates
	local line
	for line in "${(@f)$("${words[1]}" COMPLETE "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		[[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	if ((${#candidates} == 0)); then
		_files
		return
	fi
	_describe TOOL candidates
}
if [[ $funcstack[1] == _TOOL ]]; then
	_TOOL "$@"
else
	compdef _TOOL TOOL
fi
`

const fish = `# fish completion for TOOL: TOOL completion fish > ~/.config/fish/completions/TOOL.fish
function __TOOL_complete
	set -l words (commandline -opc) (commandline -ct)
	$words[1] COMPLETE $words[2..-1] 2>/dev/null
end
complete -c TOOL -n 'test (count (__TOOL_complete)) -gt 0' -f
complete -c TOOL -a '(__TOOL_complete)'
`
