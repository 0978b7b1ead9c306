package conformance

// check is one demand.
type check struct {
	id, about, advice string
	// run returns nil, the reason why the check does not apply
	// (notApplicable), or what is wrong.
	run func(*session) error
}

// checks in the order in which they are made; later ones use what the earlier
// ones left in the session.
var checks = []check{
	{"handshake", "the plugin starts, and its first word on stdout is the handshake line", "print nothing to stdout before serving (log to stderr), speak protocol 1 with AutoMTLS, and serve on the unix socket you announce", handshake},
	{"describe", "description and schema agree, and every default is valid", "send the SHA-256 of the canonical schema, a semantic version, known task kinds and modes, and defaults within their ranges", describe},
	{"describe-command", "BINARY describe prints the same as JSON, without a host", "answer the argument describe before anything else", describeCommand},
	{"bad-config", "a mistake in the parameters is refused with the field's path", "validate every parameter against the schema and name the path, as params.rank", badConfig},
	{"message-size", "messages of up to 16 MiB are taken, none above is sent, and predictions come 1 MiB at a time", "set the receive limit to 16 MiB, send bulk data as a file, and begin another message of predictions before one has 1 MiB", messageSize},
	{"run", "a run finishes and leaves a result", "see the message; the plugin's log ends it", runs},
	{"last-metric", "the last step's metrics arrive", "send what is queued before Done", lastMetric},
	{"health", "Health answers while a run goes on", "serve calls from a thread of their own, beside the training loop", health},
	{"predict", "a fresh process answers every item from the sealed result alone, twice the same", "write all that predictions need under artifacts/, read nothing of the training data, keep nothing in the cache that cannot be made again, and draw random numbers from the seed", predict},
	{"tasks", "every kind of task that it claims can be run and answered", "take the kind out of tasks, or mend it", tasks},
	{"same-seed", "the same seed gives the same metrics, files and predictions", "draw every random number from the run's seed, before anything is built, and never depend on the order of a map or of threads, or on what lies in the cache", sameSeed},
	{"base-unchanged", "the base model's folder and the data keep their bytes", "open the model read-only and write under work_dir alone", baseUnchanged},
	{"identity", "an adapter that has learnt nothing answers as the base model does", "initialise the adapter so that it adds nothing (LoRA: B = 0), and check that loading it changes no frozen weight", identity},
	{"trainable-claim", "the trainable parameters that it claims are those of its result", "count what the optimiser updates, in Estimate and in the cost", trainableClaim},
	{"merge", "the merged model answers as the adapter does", "merge in float32 and write the model that the adapter was trained on", merge},
	{"unmerge", "a run that merges trains and saves the adapter as one that does not", "keep the weights that a merge replaces and put those back; to subtract the update again rounds them", unmerge},
	{"unmerge-weights", "in the process, merge and unmerge give back every weight and logit bit for bit", "keep the weights that a merge replaces and put those back; to subtract the update again rounds them", inside("unmerge-weights")},
	{"gradients", "the gradients are the slope of the loss", "test each op of your own with autogradtest.Check", inside("gradients")},
	{"stop", "a run that is asked to stop ends within the grace time", "look at Stop between steps, save, and end with the state stopped", stopEnds},
	{"checkpoint", "a stopped run leaves a checkpoint, and one that was sent is left alone", "send a checkpoint before the run ends as stopped, and each in a folder of its own, which is the host's from then on: it reads it while the run goes on, and removes it; or don't claim resume", checkpointKept},
	{"resume", "after kill -9, a run resumed from its checkpoint gives the numbers of an uninterrupted one", "save everything that the next step depends on: parameters, optimiser, step, random state", resume},
	{"slow-reader", "a reader that pauses loses no metric", "wait when the queue is full, or keep what is in it; only progress may be dropped", slowReader},
	{"nan", "a run that diverges ends with a clear state, and numbers that are not finite are carried", "end as failed with a diagnostic once the loss is not finite, and send NaN and infinity as they are", diverges},
	{"parent-death", "the plugin and all that it started end when the host is killed", "watch the parent's process id and take SIGTERM; end your own children", parentDeath},
	{"ports", "neither the plugin nor what it starts listens on a network port", "serve on the unix socket alone, and close what a library opened: anybody on the machine can connect to a port", ports},
	{"goroutines", "a run leaves no goroutine behind", "end every goroutine that a run starts before Run returns: wait for it, or cancel it", inside("goroutines")},
	{"leftovers", "no process, socket or temporary file stays behind", "end every process that you start, keep them in the plugin's process group, and remove temporary files", leftovers},
}

// inside is a check that was made in the plugin's own process, and whose
// outcome Options bring.
func inside(id string) func(*session) error {
	return func(s *session) error {
		err, made := s.o.Inside[id]
		if !made {
			return notApplicable("only the plugin's own process can see it; for plugins in Go package plugintest does")
		}
		return err
	}
}

// Check names a check, what it demands and what to do when it fails.
type Check struct{ ID, About, Advice string }

// Checks lists what Run checks.
func Checks() []Check {
	var out []Check
	for _, c := range checks {
		out = append(out, Check{c.id, c.about, c.advice})
	}
	return out
}
