package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// svg is a drawing of a fixed size in px that shrinks with the page. Its colours come from the page's style sheet.
type svg struct {
	b             strings.Builder
	width, height float64
}

// newSVG begins a drawing. Screen readers read title and description aloud.
func newSVG(width, height float64, title, description string) *svg {
	s := &svg{width: width, height: height}
	fmt.Fprintf(&s.b, `<svg viewBox="0 0 %s %s" width="%s" height="%s" role="img"><title>%s</title>`, px(width),
		px(height), px(width), px(height),
		html.EscapeString(text.Printable(title)))
	if description != "" {
		fmt.Fprintf(&s.b, `<desc>%s</desc>`, html.EscapeString(text.Printable(description)))
	}
	return s
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&s.b, `<path class="%s" d="M%s %sL%s %s"/>`, class, px(x1), px(y1), px(x2), px(y2))
}

// rect draws a rectangle. Browsers show its title, if any, under the pointer.
func (s *svg) rect(class string, x, y, w, h float64, title string) {
	fmt.Fprintf(&s.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"`, class, px(x), px(y), px(max(0, w)),
		px(h))
	s.end("rect", title)
}

func (s *svg) circle(class string, x, y, r float64, title string) {
	fmt.Fprintf(&s.b, `<circle class="%s" cx="%s" cy="%s" r="%s"`, class, px(x), px(y), px(r))
	s.end("circle", title)
}

func (s *svg) end(element, title string) {
	if title == "" {
		s.b.WriteString("/>")
		return
	}
	fmt.Fprintf(&s.b, `><title>%s</title></%s>`, html.EscapeString(text.Printable(title)), element)
}

// text is anchored by its class: at its start by default, at its end by e, in the middle by m.
func (s *svg) text(class string, x, y float64, content string) {
	fmt.Fprintf(&s.b, `<text class="%s" x="%s" y="%s">%s</text>`, class, px(x), px(y),
		html.EscapeString(text.Printable(content)))
}

func (s *svg) slanted(x, y float64, content string) {
	fmt.Fprintf(&s.b, `<text transform="translate(%s %s) rotate(-40)">%s</text>`, px(x), px(y),
		html.EscapeString(text.Printable(content)))
}

func (s *svg) html() template.HTML {
	return template.HTML(s.b.String() + "</svg>") //nolint:gosec // all foreign text was escaped above
}

func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// scale maps values from low to high to px.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	v = min(max(v, s.low), s.high)
	return s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from)
}

// ticks returns about n round values.
func (s scale) ticks(n int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((s.high-s.low)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (s.high-s.low)/(step*m) <= float64(n)+0.5 {
			step *= m
			break
		}
	}
	var out []float64
	for i := math.Ceil(s.low/step - 1e-9); i*step <= s.high+step*1e-9 && len(out) < 20; i++ {
		out = append(out, i*step+0) // no negative zero
	}
	return out
}

// decimals returns how many decimals tell the ticks apart.
func decimals(ticks []float64) int {
	if len(ticks) < 2 {
		return 2
	}
	return max(0, int(math.Ceil(-math.Log10(ticks[1]-ticks[0])-1e-9)))
}
