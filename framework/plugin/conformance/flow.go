package conformance

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
)

// slowReader stops reading at the first metric of a long run until the plugin
// stands still, with its queue and the connection full; reads on for a moment,
// stops the run and reads all that is left.
func slowReader(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if s.stopped == nil {
		return notApplicable("no long run can be stopped: see stop")
	}
	events, asked := 0, false
	r, err := s.try(how{params: s.long(), limit: s.o.Grace + runLimit, event: func(c *host.Client, e *pb.Event) error {
		if e.GetMetric() == nil {
			return nil
		}
		if events++; events == 1 {
			pause(c)
		}
		if events > 500 && !asked {
			asked = true
			return c.Stop(fmt.Sprint("conformance-", s.count), s.o.Grace)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.metrics)) {
		if err := r.complete(name, s.base, r.progress); err != nil {
			return err
		}
	}
	return nil
}

// complete says what is missing of a metric that came, or out of order, by how
// it comes in an uninterrupted run. One that comes at each step must come until
// the step named.
func (r *record) complete(name string, whole *record, until int64) error {
	list := r.metrics[name]
	n := int64(len(whole.metrics[name]))
	every := n >= 3 && n >= whole.last() // it comes at each step
	for i := 1; i < len(list); i++ {
		switch {
		case list[i].step < list[i-1].step:
			return fmt.Errorf("the metric %s of step %d came after that of step %d", name, list[i].step, list[i-1].step)
		case every && list[i].step != list[i-1].step+1:
			return fmt.Errorf("the metric %s comes at each step, but after step %d came step %d", name, list[i-1].step, list[i].step)
		}
	}
	if last := list[len(list)-1].step; every && last < until {
		return fmt.Errorf("the metric %s comes at each step, but its last is of step %d, not %d", name, last, until)
	}
	return nil
}

// A plugin stands still once it used less than a hundredth of a second of CPU
// time, which is the system's unit, in each of some moments; one that keeps
// everything never does, and one whose CPU time the host cannot see (other
// systems than Linux) seems to from the start.
const (
	moment   = 100 * time.Millisecond
	moments  = 4
	shortest = 1500 * time.Millisecond
	longest  = 10 * time.Second
)

// pause waits until the plugin stands still.
func pause(c *host.Client) {
	before, _ := c.Usage()
	start := time.Now()
	for still := 0; (still < moments || time.Since(start) < shortest) && time.Since(start) < longest; still++ {
		time.Sleep(moment)
		now, _ := c.Usage()
		if now-before > 0.01 {
			still = -1
		}
		before = now
	}
}
