package reference

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

// PathRule is a file or exec rule.
type PathRule = bpf.EnforcerRefPathRule

const patternLen = 64

// DenyPath returns a rule that denies paths, as seen in the namespace, that match the glob. The glob has at most
// one `**` (anything) or, in its last component, `*` (anything but a slash).
func DenyPath(glob string) (PathRule, error) {
	return pathRule(bpf.EnforcerRefActionREF_DENY, glob)
}

// AllowPath returns a rule that allows paths that match the glob, whatever later rules say.
func AllowPath(glob string) (PathRule, error) {
	return pathRule(bpf.EnforcerRefActionREF_ALLOW, glob)
}

func pathRule(action bpf.EnforcerRefAction, glob string) (PathRule, error) {
	switch {
	case !strings.HasPrefix(glob, "/") && !strings.HasPrefix(glob, "**"):
		return PathRule{}, fmt.Errorf("glob %q: must start with / or `**`, because paths are absolute", glob)
	case strings.HasSuffix(glob, "/") && glob != "/":
		return PathRule{}, fmt.Errorf("glob %q: no path ends in a slash; %s** matches everything below", glob,
			glob)
	}
	p, err := parsePattern(glob)
	return PathRule{Action: action, Pattern: p}, err
}

func parsePattern(glob string) (p bpf.EnforcerRefPattern, err error) {
	if glob == "" {
		return p, errors.New("empty glob")
	}
	prefix, suffix, any := strings.Cut(glob, "**")
	if !any {
		prefix, suffix, any = strings.Cut(glob, "*")
		if any {
			p.Flags = bpf.EnforcerRefPatternFlagsREF_ONE_LEVEL
		} else {
			p.Flags = bpf.EnforcerRefPatternFlagsREF_EXACT
		}
	}
	switch {
	case strings.Contains(prefix+suffix, "*"):
		return p, fmt.Errorf("glob %q: more than one `*` or `**`", glob)
	case p.Flags == bpf.EnforcerRefPatternFlagsREF_ONE_LEVEL && strings.Contains(suffix, "/"):
		return p, fmt.Errorf("glob %q: `*` is allowed in the last component only; use `**`", glob)
	case strings.ContainsAny(glob, "?[]{}"):
		return p, fmt.Errorf("glob %q: only `*` and `**` are wildcards; `?`, `[` and `{` are not supported",
			glob)
	}
	return p, fill(&p, glob, prefix, suffix)
}

func fill(p *bpf.EnforcerRefPattern, glob, prefix, suffix string) error {
	if max(len(prefix), len(suffix)) > patternLen {
		return fmt.Errorf("glob %q: at most %d bytes before and after the wildcard", glob, patternLen)
	}
	p.PrefixLen, p.SuffixLen = uint16(len(prefix)), uint16(len(suffix))
	p.Prefix, p.PrefixMask = words(prefix, 0)
	p.Suffix, p.SuffixMask = words(suffix, patternLen-len(suffix))
	return nil
}

// words returns the bytes of s at an offset, and a mask of these bytes, as words in memory.
func words(s string, at int) (value, mask [patternLen / 8]uint64) {
	for i := range len(s) {
		word, shift := (at+i)/8, 8*((at+i)%8) // bpfel: little-endian
		value[word] |= uint64(s[i]) << shift
		mask[word] |= 0xff << shift
	}
	return value, mask
}

// mustPattern parses a glob of this package. It panics if the glob is invalid.
func mustPattern(glob string) bpf.EnforcerRefPattern {
	p, err := parsePattern(glob)
	if err != nil {
		panic(err)
	}
	return p
}
