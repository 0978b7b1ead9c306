package frontend

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/wire"
)

// executeRequest is the content of an execute_request.
type executeRequest struct {
	Code            string
	Silent          bool
	StoreHistory    *bool             `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      *bool             `json:"allow_stdin"`
	StopOnError     *bool             `json:"stop_on_error"`
}

func or(p *bool, usual bool) bool {
	if p == nil {
		return usual
	}
	return *p
}

// executions runs the cells of the queue, one after the other.
func (k *Kernel) executions() {
	for {
		select {
		case <-k.wake:
		case <-k.quit:
			return
		}
		for {
			k.mu.Lock()
			if len(k.queue) == 0 {
				k.mu.Unlock()
				break
			}
			r := k.queue[0]
			k.queue = k.queue[1:]
			k.mu.Unlock()
			var c executeRequest
			if err := r.Read(&c); err != nil {
				k.during(r, func() {
					k.reply(r, "execute_reply", k.failure(&engine.Error{Kind: engine.Failed, Message: err.Error()}))
				})
				continue
			}
			var behind []*request
			k.during(r, func() { behind = k.execute(r, &c) })
			for _, r := range behind {
				k.during(r, func() { k.reply(r, "execute_reply", content{"status": "aborted", "execution_count": k.counted()}) })
			}
		}
	}
}

// takeQueue gives the cells that wait, which no longer do.
func (k *Kernel) takeQueue() []*request {
	k.mu.Lock()
	defer k.mu.Unlock()
	waiting := k.queue
	k.queue = nil
	return waiting
}

func (k *Kernel) counted() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// execute runs a cell and answers it. If it fails, it gives the cells that waited behind
// it, to be aborted: those that come after its reply are not among them.
func (k *Kernel) execute(r *request, c *executeRequest) (behind []*request) {
	store := !c.Silent && or(c.StoreHistory, true)
	k.mu.Lock()
	if store {
		k.count++
	}
	n := max(1, k.count)
	k.current = r
	k.mu.Unlock()
	if old := k.sources[n]; !store { // it has the number of the cell before it
		defer func() { k.sources[n] = old }()
	}
	k.sources[n] = c.Code
	if !c.Silent {
		k.publish(r, "execute_input", content{"code": c.Code, "execution_count": n})
	}
	if store && strings.TrimSpace(c.Code) != "" {
		k.history.Add(n, c.Code)
	}
	k.outputs.cell()
	done := k.worker.ask(wire.Request{Do: wire.Execute, Cell: n, Code: c.Code, Expressions: c.UserExpressions}, &execution{request: r, n: n, silent: c.Silent, stdin: or(c.AllowStdin, true)})
	if done.Error != nil {
		fail := k.failure(done.Error)
		fail["execution_count"] = n
		k.publish(r, "error", content{"ename": fail["ename"], "evalue": fail["evalue"], "traceback": fail["traceback"]})
		if or(c.StopOnError, true) {
			behind = k.takeQueue()
		}
		k.reply(r, "execute_reply", fail)
		return behind
	}
	answer := content{"execution_count": n, "user_expressions": k.values(done.Values), "payload": []any{}}
	if done.Payload != "" {
		answer["payload"] = []any{content{"source": "page", "data": content{"text/plain": done.Payload}, "start": 0}}
	}
	k.reply(r, "execute_reply", answer)
	return nil
}

// execution is what the events of a running cell belong to.
type execution struct {
	request *request
	n       int
	silent  bool
	stdin   bool
	output  []string
}

// values are the answers to user_expressions.
func (k *Kernel) values(list map[string]wire.Value) content {
	all := content{}
	for name, v := range list {
		if v.Error != nil {
			all[name] = k.failure(v.Error)
			continue
		}
		metadata := v.Metadata
		if metadata == nil {
			metadata = content{}
		}
		all[name] = content{"status": "ok", "data": jupyter(v.Data), "metadata": metadata}
	}
	return all
}

// onEvent takes what the worker says while it works on a request, or after it.
func (k *Kernel) onEvent(x *execution, e wire.Event) {
	k.mu.Lock()
	r := k.current
	k.mu.Unlock()
	n := 0
	if x != nil {
		r, n = x.request, x.n
	}
	forms := func() content {
		c := content{"data": jupyter(e.Data), "metadata": e.Metadata, "transient": content{}}
		if e.Metadata == nil {
			c["metadata"] = content{}
		}
		if e.Handle != "" {
			c["transient"] = content{"display_id": e.Handle}
		}
		return c
	}
	switch e.What {
	case wire.Result:
		if x == nil || x.silent {
			return
		}
		c := forms()
		c["execution_count"] = n
		if text, ok := e.Data["text/plain"].(string); ok {
			k.history.Output(n, text)
		}
		k.publish(r, "execute_result", c)
	case wire.Display:
		k.publish(r, "display_data", forms())
	case wire.Update:
		k.publish(r, "update_display_data", forms())
	case wire.Clear:
		k.publish(r, "clear_output", content{"wait": e.Wait})
	case wire.Note:
		k.stream("stderr", e.Text+"\n")
	case wire.Failure:
		k.stream("stderr", "a goroutine ended: "+e.Error.Error()+"\n"+e.Error.Trace())
	case wire.Input:
		go k.ask(x, e)
	}
}

// jupyter gives a MIME map as the protocol has it: texts for everything but JSON.
func jupyter(data map[string]any) map[string]any {
	for mime, v := range data {
		if _, text := v.(string); text || strings.HasSuffix(mime, "json") {
			continue
		}
		if raw, err := json.Marshal(v); err == nil {
			data[mime] = string(raw)
		}
	}
	return data
}

// ask hands a question of the cell's to its client.
func (k *Kernel) ask(x *execution, e wire.Event) {
	if x == nil || !x.stdin {
		k.worker.tell(wire.Request{Do: wire.Reply, Failed: "nobody can be asked here: the notebook does not allow input"})
		return
	}
	select { // an answer to an earlier question
	case <-k.asked:
	default:
	}
	q := *x.request
	q.from = k.stdin
	k.send(&q, "input_request", content{"prompt": e.Text, "password": e.Secret})
	select {
	case text := <-k.asked:
		k.worker.tell(wire.Request{Do: wire.Reply, Text: text})
	case <-k.quit:
	}
}

// stubborn is how long an interrupted worker may take before it is killed.
const stubborn = 5 * time.Second

// Interrupt stops the cell that runs; a worker that does not stop is killed.
func (k *Kernel) Interrupt() {
	k.worker.tell(wire.Request{Do: wire.Interrupt})
	k.worker.killUnlessDone(stubborn, fmt.Sprintf("the worker did not stop within %v of an interrupt and was killed", stubborn))
}
