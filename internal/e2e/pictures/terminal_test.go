package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTerminalSVG(t *testing.T) {
	svg, err := terminalSVG("plain <&>\n\x1b[1mbold\x1b[0m \x1b[31mred\x1b[39m \x1b[7mreverse\x1b[m\n\n")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, string(text))
		}
	}
	if got, want := strings.Join(texts, "|"), "lsmprof top|plain <&>|bold|red|reverse"; got != want {
		t.Errorf("texts %q, want %q", got, want)
	}
	for _, want := range []string{`font-weight="bold">bold`, `fill="#ef6b73">red`, `fill="#15191f">reverse`} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if _, err := terminalSVG("\n \n"); err == nil {
		t.Error("an empty screen has no error")
	}
}
