package cli

import (
	"fmt"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
)

// topStyles look different without colours too. tcell drops the colour for NO_COLOR and for terminals without.
var topStyles = map[frameStyle]tcell.Style{
	plainLine:    tcell.StyleDefault,
	headerLine:   tcell.StyleDefault.Reverse(true),
	selectedLine: tcell.StyleDefault.Reverse(true).Bold(true),
	frozenLine:   tcell.StyleDefault.Bold(true),
	alertLine:    tcell.StyleDefault.Bold(true).Foreground(color.Red),
}

// sparkASCII stands for the bars of a sparkline where the terminal has no such characters.
var sparkASCII = map[rune]string{'▁': "_", '▂': ".", '▃': "-", '▄': "=", '▅': "+", '▆': "*", '▇': "#", '█': "@", '…': "~", '↓': "v", '↑': "^"}

// openScreen takes the terminal over until Fini.
func openScreen() (tcell.Screen, error) {
	s, err := tcell.NewScreen()
	if err == nil {
		err = s.Init()
	}
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w; `lsmprof top | cat` prints tables instead", err)
	}
	for r, ascii := range sparkASCII {
		s.RegisterRuneFallback(r, ascii)
	}
	s.HideCursor()
	return s, nil
}

// draw writes what differs from the last frame: the terminal does not flicker.
func draw(s tcell.Screen, m *topModel) {
	width, height := s.Size()
	s.Clear()
	for y, line := range m.frame(width, height) {
		style := topStyles[line.style]
		if line.style == headerLine || line.style == selectedLine {
			s.FillArea(0, y, width, 1, ' ', style)
		}
		s.PutStrStyled(0, y, line.text, style)
	}
	s.Show()
}

// keyName is the character of a key, or its name.
func keyName(e *tcell.EventKey) string {
	switch e.Key() {
	case tcell.KeyEnter:
		return keyEnter
	case tcell.KeyEscape:
		return keyEscape
	case tcell.KeyBackspace, tcell.KeyDelete:
		return keyBackspace
	case tcell.KeyUp:
		return keyUp
	case tcell.KeyDown:
		return keyDown
	case tcell.KeyLeft:
		return keyLeft
	case tcell.KeyRight:
		return keyRight
	case tcell.KeyTab:
		return keyTab
	case tcell.KeyCtrlC:
		return keyCtrlC
	}
	return e.Str()
}
