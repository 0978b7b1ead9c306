// Package lab compares methods from a notebook. Cells have it without importing it.
//
//	study := lab.Study(lab.Tasks("sentiment"), lab.Methods("icl", "lora"), lab.Examples(128))
//	res, err := study.Run()      // a live card; an interrupt leaves a checkpoint and returns what there is
//	res                          // the table
//	res.Plot()                   // scores with their intervals
//	res.Best("sentiment").Mean   // values, not texts
//	res.Metric("lora", "train/loss")
//	res.Replay("lora")
//
// It is thin: studies, runs and tables are those of package framework/lab, recorded in
// the state folder of the command line (.tunelab, or $TUNELAB_DIR), and methods are
// its plugins. What does not stand here, `$ tunelab ...` does.
package lab
