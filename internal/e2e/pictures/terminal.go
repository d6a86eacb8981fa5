package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels of a cell of the terminal, and of the margin.
const cellWidth, cellHeight, margin = 8.4, 18.0, 12.0

// style is what the escape sequences so far have set.
type style struct {
	color         string
	bold, reverse bool
}

const (
	background, foreground = "#15191f", "#d6dbe3"
	fonts                  = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
)

// colors are those of SGR 30 to 37 and, brighter, 90 to 97.
var colors = []string{"#4a5260", "#ef6b73", "#7fc97f", "#e5c07b", "#6aa5f8", "#c38ce0", "#5cc4c9", "#d6dbe3"}

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// terminalSVG draws a screen as `tmux capture-pane -e -p` prints it.
func terminalSVG(screen string) ([]byte, error) {
	lines := strings.Split(strings.TrimRight(screen, "\n "), "\n")
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(sgr.ReplaceAllString(line, "")))
	}
	if columns == 0 {
		return nil, errors.New("the captured screen is empty")
	}
	width, height := float64(columns)*cellWidth+2*margin, float64(len(lines))*cellHeight+2*margin
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" `)
	fmt.Fprintf(&b, `viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">`+"\n", width, height, width, height)
	b.WriteString("<title>lsmprof top</title>\n")
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	fmt.Fprintf(&b, `<g font-family="%s" font-size="14" fill="%s">`+"\n", fonts, foreground)
	var s style
	for i, line := range lines {
		s = drawLine(&b, line, margin+(float64(i)+0.75)*cellHeight, s)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes(), nil
}

// drawLine draws a line with its baseline at y, and returns the style at its end.
func drawLine(b *bytes.Buffer, line string, y float64, s style) style {
	column := 0
	for line != "" {
		at := sgr.FindStringSubmatchIndex(line)
		text := line
		if at != nil {
			text = line[:at[0]]
		}
		n := utf8.RuneCountInString(text)
		x := margin + float64(column)*cellWidth
		color := s.color
		if s.reverse {
			fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="%s"/>`+"\n",
				x, y-0.75*cellHeight, float64(n)*cellWidth, cellHeight, foreground)
			color = background
		}
		if strings.TrimSpace(text) != "" {
			length, attr := float64(n)*cellWidth, attributes(color, s.bold)
			fmt.Fprintf(b, `<text xml:space="preserve" x="%.1f" y="%.1f" textLength="%.1f"%s>`,
				x, y, length, attr)
			b.WriteString(html.EscapeString(text) + "</text>\n")
		}
		column += n
		if at == nil {
			break
		}
		s = s.apply(line[at[2]:at[3]])
		line = line[at[1]:]
	}
	return s
}

func attributes(color string, bold bool) string {
	out := ""
	if color != "" {
		out += fmt.Sprintf(` fill="%s"`, color)
	}
	if bold {
		out += ` font-weight="bold"`
	}
	return out
}

// apply returns the style after the parameters of one SGR sequence.
func (s style) apply(parameters string) style {
	for p := range strings.SplitSeq(parameters, ";") {
		n, _ := strconv.Atoi(p) // an empty one is 0
		switch {
		case n == 0:
			s = style{}
		case n == 1:
			s.bold = true
		case n == 7:
			s.reverse = true
		case n == 22:
			s.bold = false
		case n == 27:
			s.reverse = false
		case n >= 30 && n <= 37:
			s.color = colors[n-30]
		case n == 39:
			s.color = ""
		case n >= 90 && n <= 97:
			s.color = colors[n-90]
		}
	}
	return s
}
