package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

// The page has a table and a slider for other numbers of rules, without anything from elsewhere.
func TestForecastSection(t *testing.T) {
	r, err := Open("../docs/sample/run")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(page.String(), `<section id="forecast">`)
	section, _, ended := strings.Cut(section, "</section>")
	if !ok || !ended {
		t.Fatal("the page has no section about other rules")
	}
	for _, want := range []string{
		`type="range" id="forecast-number" class="wide" min="0" max="64" value="8"`, "5 % affords",
		`<option value="net">`,
		`<small class="value"></small></figcaption><svg`,
	} {
		if !strings.Contains(section, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	data := regexp.MustCompile(`id="forecast-data">(.*?)</script>`).FindStringSubmatch(section)
	var curves struct {
		Measured int
		Tests    []struct{ Curves map[string]forecastCurve }
	}
	if data == nil || json.Unmarshal([]byte(data[1]), &curves) != nil || len(curves.Tests) != 4 ||
		curves.Measured != 8 {
		t.Fatalf("the data of the slider: %.200v", data)
	}
	for kind, c := range curves.Tests[0].Curves {
		if len(c.Loss) != 65 || len(c.Low) != 65 || len(c.High) != 65 {
			t.Errorf("%s has %d losses, want one for each number up to 64", kind, len(c.Loss))
		}
		for n := range c.Loss {
			if c.Low[n] > c.Loss[n] || c.Loss[n] > c.High[n] || n > 0 && c.Loss[n] < c.Loss[n-1] {
				t.Errorf("%s: %d rules lose %d (%d to %d)", kind, n, c.Loss[n], c.Low[n], c.High[n])
			}
		}
	}
	// Eight rules of each type were measured: execl lost 2.0 % under them.
	if each := curves.Tests[0].Curves["each"].Loss[8]; each < 190 || each > 210 {
		t.Errorf("execl loses %d hundredths of a percent under 8 rules of each type", each)
	}
}

// Without profile runs nothing is forecast, and the page says what it takes.
func TestForecastSectionOfNothing(t *testing.T) {
	r, err := OpenFS(rundirtest.New(1, 3, 2).Files(t))
	if err != nil {
		t.Fatal(err)
	}
	r.run.Explained = nil
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "Nothing can be forecast") ||
		strings.Contains(page.String(), "forecast-data") {
		t.Error("the page has a forecast of nothing")
	}
}

// The script draws where the plots of Go are.
func TestForecastScriptHasTheSizesOfThePlots(t *testing.T) {
	want := fmt.Sprintf("left = %g, right = %g, top = %g, bottom = %g;", forecastLeft, forecastRight, forecastTop,
		forecastBottom)
	if !strings.Contains(forecastJS, want) {
		t.Errorf("forecast.js lacks %q", want)
	}
}
