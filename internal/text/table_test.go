package text

import "testing"

func TestTableDropsColumns(t *testing.T) {
	table := Table{Header: []string{"<TEST", "A", "B", "C"}, Drop: []string{"A", "B"}}
	table.Add("execl", "1.00 %", "2.00 %", "3.00 %")
	for width, want := range map[int]string{
		0:  "TEST        A       B       C\nexecl  1.00 %  2.00 %  3.00 %\n",
		29: "TEST        A       B       C\nexecl  1.00 %  2.00 %  3.00 %\n",
		28: "TEST        B       C\nexecl  2.00 %  3.00 %\n",
		13: "TEST        C\nexecl  3.00 %\n",
		5:  "TEST        C\nexecl  3.00 %\n",
	} {
		table.Fit(width)
		if got := table.String(); got != want {
			t.Errorf("%d columns:\n%swant\n%s", width, got, want)
		}
	}
}
