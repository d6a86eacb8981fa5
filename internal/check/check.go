// Package check judges whether lsmprof can profile this machine. Gather collects facts, Judge turns them into items
// with a reason and a remedy, and Decide sums them up.
package check

import "strings"

// Item is one fact and what it means for lsmprof.
type Item struct {
	Name   string `json:"item"`
	State  State  `json:"state"`
	Value  string `json:"value"`
	Reason string `json:"reason,omitempty"` // why the value is bad, or what follows from it
	Remedy string `json:"remedy,omitempty"` // what the user can do
}

// State grades an Item.
type State string

// The states of an Item.
const (
	OK   State = "ok"
	Warn State = "warn" // lsmprof works, with a limit that the user should know
	Fail State = "fail" // lsmprof can profile nothing
)

// NotTried is the Value of an item that needs privileges which lsmprof does not have.
const NotTried = "not tried"

func ok(name, value string) Item { return Item{Name: name, State: OK, Value: value} }

func (i Item) warn(reason, remedy string) Item { return i.grade(Warn, reason, remedy) }
func (i Item) fail(reason, remedy string) Item { return i.grade(Fail, reason, remedy) }

func (i Item) grade(s State, reason, remedy string) Item {
	i.State, i.Reason, i.Remedy = s, reason, remedy
	return i
}

// Verdict says whether the machine can be profiled.
type Verdict struct {
	Answer Answer
	Text   string // one line for people: "yes: this node can be profiled"
}

// Answer is the short form of a Verdict.
type Answer string

// The answers. Unknown means that lsmprof lacks the privileges to find out.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Decide derives the verdict from the items that Judge returns.
func Decide(items []Item) Verdict {
	var failed []string
	var privileges *Item
	for n := range items {
		switch i := &items[n]; {
		case i.State != Fail:
		case i.Name == privilegesName:
			privileges = i
		default:
			failed = append(failed, i.Name)
		}
	}
	switch {
	case len(failed) > 0:
		return Verdict{No, "no: this node cannot be profiled: " + strings.Join(failed, ", ")}
	case privileges != nil:
		return Verdict{Unknown, "cannot tell: " + privileges.Remedy}
	}
	return Verdict{Yes, "yes: this node can be profiled"}
}
