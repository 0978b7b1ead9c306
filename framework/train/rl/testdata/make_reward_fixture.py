"""Ten steps of a reward model in float32, from the formulas of TRL's
RewardTrainer (1.16.0): a linear score on the last token's final hidden state,
-log sigmoid(r+ - r-) averaged over the batch, AdamW at 1e-4, gradient norm
clipped to 1.

    python make_reward_fixture.py MODEL OUT.json     writes a fixture of random pairs
    python make_reward_fixture.py MODEL --check F    replays the fixture F, which TRL
                                                     itself may have made, and prints
                                                     the largest relative differences

Made with torch 2.15.0 and transformers 5.23.0.
"""
import json
import sys

import torch
from transformers import AutoModel


def steps(folder, weight, rows, batch):
    torch.set_num_threads(1)
    body = AutoModel.from_pretrained(folder, dtype=torch.float32)
    body.eval()
    head = torch.nn.Linear(len(weight), 1, bias=False)
    head.weight.data = torch.tensor([weight])
    params = list(body.parameters()) + [head.weight]
    opt = torch.optim.AdamW(params, lr=1e-4, weight_decay=0.0)

    def score(ids):
        return head(body(input_ids=torch.tensor([ids])).last_hidden_state[0, -1])[0]

    for s in range(len(rows) // batch):
        part = rows[s * batch:(s + 1) * batch]
        chosen = torch.stack([score(r["chosen_ids"]) for r in part])
        rejected = torch.stack([score(r["rejected_ids"]) for r in part])
        loss = -torch.nn.functional.logsigmoid(chosen - rejected).mean()
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        both = torch.cat([chosen, rejected]).detach()
        yield {
            "loss": loss.item(), "grad_norm": norm.item(), "min_reward": both.min().item(), "mean_reward": both.mean().item(),
            "max_reward": both.max().item(), "accuracy": (chosen > rejected).float().mean().item(),
            "margin": (chosen - rejected).mean().item(),
        }


def main():
    folder = sys.argv[1]
    if sys.argv[2] == "--check":
        f = json.load(open(sys.argv[3]))
        worst = {}
        for got, want in zip(steps(folder, f["score_weight"], f["rows"], f["batch"]), f["steps"]):
            for k, v in got.items():
                worst[k] = max(worst.get(k, 0), abs(v - want[k]) / max(abs(want[k]), 1e-9))
        print(worst)
        return
    cfg = json.load(open(folder + "/config.json"))
    rng = torch.Generator().manual_seed(7)
    draw = lambda lo, hi: torch.randint(lo, hi, (), generator=rng).item()
    ids = lambda: [cfg["bos_token_id"]] + [draw(3, cfg["vocab_size"]) for _ in range(draw(4, 40))]
    rows = [{"chosen_ids": ids(), "rejected_ids": ids()} for _ in range(40)]
    weight = (torch.randn(cfg["hidden_size"], generator=rng) * 0.5).tolist()
    out = {
        "made_by": "make_reward_fixture.py on framework/llm/model/testdata/llama",
        "torch": torch.__version__, "batch": 4, "score_weight": weight, "rows": rows, "steps": list(steps(folder, weight, rows, 4)),
    }
    json.dump(out, open(sys.argv[2], "w"))


main()
