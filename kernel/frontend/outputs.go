package frontend

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/tunelab/tunelab/kernel/wire"
)

// Bounds of what cells print, in bytes: burst at once, and rate in each second. What
// is more is cut, and counted.
const (
	burst = 2 << 20
	rate  = 1 << 20
)

// gather is how long printed text may wait for more.
const gather = 20 * time.Millisecond

// outputs collects what the worker prints on its two file descriptors.
type outputs struct {
	publish func(name, text string)

	mu       sync.Mutex
	changed  *sync.Cond
	parts    [2][]part
	cut      [2]int
	marks    [2]int // read last
	released int    // the event of this mark is published, and those before
	open     [2]bool
	credit   float64
	filled   time.Time
	pending  bool
}

// part is printed text, or a mark: what is behind it waits for its event.
type part struct {
	text []byte
	mark int
}

var names = [2]string{"stdout", "stderr"}

func newOutputs(publish func(name, text string)) *outputs {
	o := &outputs{publish: publish, credit: burst, filled: time.Now()}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// begin is called before a worker starts, whose marks count from 1.
func (o *outputs) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open, o.marks, o.released = [2]bool{true, true}, [2]int{}, 0
}

// follow reads one of the descriptors until it ends.
func (o *outputs) follow(i int, r io.Reader) {
	var rest []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		rest = o.take(i, append(rest, buf[:n]...), err != nil)
		if err != nil {
			break
		}
	}
	o.mu.Lock()
	o.open[i] = false
	o.changed.Broadcast()
	o.mu.Unlock()
}

// take moves what is read into the text, and gives back what is not whole yet: the
// beginning of a mark or of a character.
func (o *outputs) take(i int, raw []byte, last bool) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	marker := []byte(wire.Marker)
	for {
		from := bytes.Index(raw, marker)
		if from < 0 {
			break
		}
		length := bytes.Index(raw[from+len(marker):], marker)
		if length < 0 {
			if !last && len(raw)-from < 64 {
				o.add(i, raw[:from])
				return raw[from:]
			}
			break
		}
		o.add(i, raw[:from])
		if n, err := strconv.Atoi(string(raw[from+len(marker) : from+len(marker)+length])); err == nil {
			o.marks[i] = n
			o.parts[i] = append(o.parts[i], part{mark: n})
			o.changed.Broadcast()
		}
		raw = raw[from+2*len(marker)+length:]
	}
	keep := 0
	if !last {
		for n := min(len(marker)-1, len(raw)); n > 0; n-- {
			if bytes.HasSuffix(raw, marker[:n]) {
				keep = n
				break
			}
		}
		for n := 1; keep == 0 && n < utf8.UTFMax && n <= len(raw); n++ {
			if c := raw[len(raw)-n]; utf8.RuneStart(c) {
				if !utf8.FullRune(raw[len(raw)-n:]) {
					keep = n
				}
				break
			}
		}
	}
	o.add(i, raw[:len(raw)-keep])
	return bytes.Clone(raw[len(raw)-keep:])
}

// add takes text within the bounds.
func (o *outputs) add(i int, text []byte) {
	if len(text) == 0 {
		return
	}
	now := time.Now()
	o.credit = min(burst, o.credit+now.Sub(o.filled).Seconds()*rate)
	o.filled = now
	take := min(len(text), int(o.credit))
	o.credit -= float64(take)
	o.cut[i] += len(text) - take
	if n := len(o.parts[i]); n > 0 && o.parts[i][n-1].mark == 0 {
		o.parts[i][n-1].text = append(o.parts[i][n-1].text, text[:take]...)
	} else {
		o.parts[i] = append(o.parts[i], part{text: bytes.Clone(text[:take])})
	}
	o.later(gather)
}

func (o *outputs) later(d time.Duration) {
	if !o.pending {
		o.pending = true
		time.AfterFunc(d, func() { o.flush(false) })
	}
}

// flush publishes what is collected. What is cut is told when there is room again, or
// at the end of a cell.
func (o *outputs) flush(end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = false
	for i := range o.parts {
		var text []byte
		for len(o.parts[i]) > 0 && o.parts[i][0].mark <= o.released {
			text = append(text, o.parts[i][0].text...)
			o.parts[i] = o.parts[i][1:]
		}
		if o.cut[i] > 0 && (end || o.credit >= rate/2) {
			text = fmt.Appendf(text, "\n[%d bytes of output are cut here: more than %d MiB a second]\n", o.cut[i], rate>>20)
			o.cut[i] = 0
		}
		if len(text) > 0 {
			o.publish(names[i], string(bytes.ToValidUTF8(text, []byte("�"))))
		}
	}
	if o.cut[0]+o.cut[1] > 0 {
		o.later(time.Second)
	}
}

// await returns when everything that was printed before an event, which may be the
// end of a cell, is published.
func (o *outputs) await(mark int, end bool) {
	stop := time.AfterFunc(time.Second, func() {
		o.mu.Lock()
		o.marks = [2]int{max(mark, o.marks[0]), max(mark, o.marks[1])} // the code took the descriptor away
		o.changed.Broadcast()
		o.mu.Unlock()
	})
	o.mu.Lock()
	for i := range o.marks {
		for o.open[i] && o.marks[i] < mark {
			o.changed.Wait()
		}
	}
	o.mu.Unlock()
	stop.Stop()
	o.flush(end)
}

// release lets text go on that was printed after an event, which is published.
func (o *outputs) release(mark int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.released = max(o.released, mark)
	if len(o.parts[0])+len(o.parts[1]) > 0 {
		o.later(gather)
	}
}

// cell begins a cell, which may print as much as any.
func (o *outputs) cell() {
	o.mu.Lock()
	o.credit = burst
	o.mu.Unlock()
}

// stream publishes printed text.
func (k *Kernel) stream(name, text string) {
	k.mu.Lock()
	r := k.current
	k.mu.Unlock()
	k.publish(r, "stream", content{"name": name, "text": text})
}
