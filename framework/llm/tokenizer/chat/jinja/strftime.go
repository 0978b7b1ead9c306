package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftime writes t as Python's strftime does in the C locale for a time
// without a zone, with glibc's flags -, _, 0 and ^.
func strftime(t time.Time, layout string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		flag := byte(0)
		if strings.IndexByte("-_0^", layout[i]) >= 0 && i+1 < len(layout) {
			flag = layout[i]
			i++
		}
		s, err := directive(t, layout[i], flag)
		if err != nil {
			return "", err
		}
		if flag == '^' {
			s = strings.ToUpper(s)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func directive(t time.Time, c, flag byte) (string, error) {
	// number writes v to width digits, filled with fill unless a flag says else.
	number := func(v, width int, fill byte) string {
		switch flag {
		case '-':
			return itoa(v)
		case '_':
			fill = ' '
		case '0':
			fill = '0'
		}
		s := itoa(v)
		return strings.Repeat(string(fill), max(0, width-len(s))) + s
	}
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case 'a':
		return t.Format("Mon"), nil
	case 'A':
		return t.Format("Monday"), nil
	case 'b', 'h':
		return t.Format("Jan"), nil
	case 'B':
		return t.Format("January"), nil
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006"), nil
	case 'x', 'D':
		return t.Format("01/02/06"), nil
	case 'X', 'T':
		return t.Format("15:04:05"), nil
	case 'R':
		return t.Format("15:04"), nil
	case 'r':
		return t.Format("03:04:05 PM"), nil
	case 'F':
		return t.Format("2006-01-02"), nil
	case 'd':
		return number(t.Day(), 2, '0'), nil
	case 'e':
		return number(t.Day(), 2, ' '), nil
	case 'm':
		return number(int(t.Month()), 2, '0'), nil
	case 'y':
		return number(t.Year()%100, 2, '0'), nil
	case 'C':
		return number(t.Year()/100, 2, '0'), nil
	case 'Y':
		return itoa(t.Year()), nil
	case 'H':
		return number(t.Hour(), 2, '0'), nil
	case 'k':
		return number(t.Hour(), 2, ' '), nil
	case 'I':
		return number(hour12, 2, '0'), nil
	case 'l':
		return number(hour12, 2, ' '), nil
	case 'M':
		return number(t.Minute(), 2, '0'), nil
	case 'S':
		return number(t.Second(), 2, '0'), nil
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), nil
	case 'j':
		return number(t.YearDay(), 3, '0'), nil
	case 'p':
		return t.Format("PM"), nil
	case 'P':
		return t.Format("pm"), nil
	case 'u':
		return itoa((int(t.Weekday())+6)%7 + 1), nil
	case 'w':
		return itoa(int(t.Weekday())), nil
	case 'U':
		return number((t.YearDay()+6-int(t.Weekday()))/7, 2, '0'), nil
	case 'W':
		return number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0'), nil
	case 'V':
		_, week := t.ISOWeek()
		return number(week, 2, '0'), nil
	case 'G':
		year, _ := t.ISOWeek()
		return itoa(year), nil
	case 'g':
		year, _ := t.ISOWeek()
		return number(year%100, 2, '0'), nil
	case 'n':
		return "\n", nil
	case 't':
		return "\t", nil
	case 'z', 'Z':
		return "", nil
	case '%':
		return "%", nil
	}
	return "", errorf(Unsupported, "%%%c in a time's format", c)
}
