package forecast

import (
	"fmt"
	"os"

	"github.com/lsmprof/lsmprof/internal/policy"
)

// OpenPolicy counts the rules of the policies in a YAML or JSON file.
func OpenPolicy(path string) (*DocumentPolicy, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := policy.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := policy.Sum(all)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &DocumentPolicy{
		Kind: p.Kind, Name: p.Name, Enforcer: p.Enforcer, Rules: Counted(p.Rules), Hooks: p.Hooks,
		Notes: append([]string{}, p.Notes...),
	}, nil
}
