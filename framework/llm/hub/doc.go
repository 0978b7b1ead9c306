// Package hub finds models on the Hugging Face Hub: a reference such as
// "hf:owner/name@revision" becomes a folder in the standard cache, which
// huggingface_hub (2.4, whose conventions these are) shares.
//
// The cache lies in HF_HUB_CACHE, else HF_HOME/hub, else
// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub:
//
//	models--owner--name/blobs/ETAG          the files, named by what they hold
//	models--owner--name/refs/REVISION       the commit that a branch or tag meant last
//	models--owner--name/snapshots/COMMIT/   links to the blobs: a model folder
//	models--owner--name/.no_exist/COMMIT/   empty files for what the commit lacks
//	.locks/models--owner--name/ETAG.lock    held (flock) while a blob is written
//
// Only what a model needs is fetched: configurations, tokenizer, chat
// templates, safetensors, and of a sentence-transformers repository those of the
// folders that its modules.json names. A broken download goes on where it stopped
// (ETAG.incomplete), and no file enters the cache before its size and, where
// the Hub states it, its SHA-256 (LFS files) or git hash are right.
//
// HF_TOKEN, HF_TOKEN_PATH, HF_ENDPOINT (a mirror), HF_HUB_OFFLINE and
// HF_HUB_DISABLE_IMPLICIT_TOKEN are read. The token goes to the endpoint's host
// alone, never to where that redirects, and into no message.
package hub
