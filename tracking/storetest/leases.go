package storetest

import (
	"time"

	"github.com/tunelab/tunelab/tracking"
)

func leases(k *kit) {
	r := k.run("lora")
	_, err := k.store.GetLease(k.ctx, r.ID)
	k.refused(err, tracking.NotFound, r.ID)
	k.refused(k.store.SetStatus(k.ctx, r.ID, tracking.Running, ""), tracking.Conflict, "lease")

	now := k.clock.Now()
	l, err := k.store.Acquire(k.ctx, r.ID, "a", time.Minute)
	k.must(err)
	equal(k, "lease", l, tracking.Lease{Run: r.ID, Holder: "a", Heartbeat: now, Expires: now.Add(time.Minute)})
	got, err := k.store.GetLease(k.ctx, r.ID)
	k.must(err)
	equal(k, "read back", got, l)
	_, err = k.store.Acquire(k.ctx, r.ID, "b", time.Minute)
	k.refused(err, tracking.Conflict, r.ID, "a works on it")
	_, err = k.store.Renew(k.ctx, r.ID, "b", time.Minute)
	k.refused(err, tracking.Conflict)
	k.refused(k.store.Release(k.ctx, r.ID, "b"), tracking.Conflict)

	k.clock.advance(time.Minute) // expired: a lease holds until, not at, Expires
	k.refused(k.store.SetStatus(k.ctx, r.ID, tracking.Running, ""), tracking.Conflict, "lease")
	_, err = k.store.Acquire(k.ctx, r.ID, "b", time.Minute) // pending: may be taken over
	k.must(err)
	_, err = k.store.Renew(k.ctx, r.ID, "a", time.Minute)
	k.refused(err, tracking.Conflict, "held by b")
	k.must(k.store.SetStatus(k.ctx, r.ID, tracking.Running, ""))

	k.clock.advance(time.Hour)
	_, err = k.store.Acquire(k.ctx, r.ID, "a", time.Minute) // running: not
	k.refused(err, tracking.Conflict, "reap")
	l, err = k.store.Renew(k.ctx, r.ID, "b", time.Minute) // late, but nobody reaped it
	k.must(err)
	equal(k, "renewed", l.Expires, k.clock.Now().Add(time.Minute))

	k.must(k.store.SetStatus(k.ctx, r.ID, tracking.Finished, ""))
	_, err = k.store.GetLease(k.ctx, r.ID)
	k.refused(err, tracking.NotFound)
	_, err = k.store.Renew(k.ctx, r.ID, "b", time.Minute)
	k.refused(err, tracking.Conflict, "gone", "finished")
	_, err = k.store.Acquire(k.ctx, r.ID, "b", time.Minute)
	k.refused(err, tracking.Conflict, "ended")
	k.must(k.store.Release(k.ctx, r.ID, "b"))

	r = k.run("lora")
	_, err = k.store.Acquire(k.ctx, r.ID, "", time.Minute)
	k.refused(err, tracking.Invalid, "holder")
	_, err = k.store.Acquire(k.ctx, r.ID, "a", 0)
	k.refused(err, tracking.Invalid, "time to live")
}

func reapLost(k *kit) {
	silent, alive, released, queued := k.started("a"), k.started("b"), k.started("c"), k.run("d")
	claimed, ended := k.run("e"), k.started("f")
	_, err := k.store.Acquire(k.ctx, claimed.ID, "h", time.Minute)
	k.must(err)
	k.must(k.store.SetStatus(k.ctx, ended.ID, tracking.Crashed, "signal 9"))

	ids, err := k.store.ReapLost(k.ctx, time.Time{})
	k.must(err)
	equal(k, "nothing to reap", ids, nil)

	k.must(k.store.Release(k.ctx, released.ID, "h"))
	k.clock.advance(time.Minute)
	_, err = k.store.Renew(k.ctx, alive.ID, "h", time.Minute)
	k.must(err)
	ids, err = k.store.ReapLost(k.ctx, time.Time{})
	k.must(err)
	equal(k, "reaped", ids, []string{silent.ID, released.ID, claimed.ID})
	for run, want := range map[string]tracking.Status{silent.ID: tracking.Lost, released.ID: tracking.Lost, claimed.ID: tracking.Lost,
		alive.ID: tracking.Running, queued.ID: tracking.Pending, ended.ID: tracking.Crashed} {
		r := k.status(run)
		equal(k, "status of "+r.Method, r.Status, want)
		if want == tracking.Lost && (r.Reason == "" || !r.Ended.Equal(k.clock.Now())) {
			k.Errorf("lost run %s: reason %q, ended %v", r.Method, r.Reason, r.Ended)
		}
	}
	_, err = k.store.Renew(k.ctx, silent.ID, "h", time.Minute)
	k.refused(err, tracking.Conflict, "lost")
	k.refused(k.store.AppendMetrics(k.ctx, silent.ID, []tracking.Metric{{Name: "late"}}), tracking.Conflict, "lost")

	ids, err = k.store.ReapLost(k.ctx, k.clock.Now().Add(time.Hour)) // as seen from later
	k.must(err)
	equal(k, "reaped at a given time", ids, []string{alive.ID})
}
