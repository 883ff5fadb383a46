"""Fine-tuning with transformers as its introductions have it: batches at random, padded to their longest text.

python plain/bert_reviews.py ENCODER DATA [STEPS]

DATA is the folder of a preprocessed data set: train.arrow and test.arrow.
"""

import json
import sys
import tempfile

from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

ENCODER, DATA = sys.argv[1:3]
STEPS = int(sys.argv[3]) if len(sys.argv) > 3 else -1
tokenizer = AutoTokenizer.from_pretrained(ENCODER)
model = AutoModelForSequenceClassification.from_pretrained(ENCODER, num_labels=2).float()


def encode(part):
    rows = Dataset.from_file(f"{DATA}/{part}.arrow").rename_column("label", "labels")
    return rows.map(lambda batch: tokenizer(batch["text"], truncation=True, max_length=128), batched=True)


with tempfile.TemporaryDirectory() as folder:
    settings = TrainingArguments(
        folder,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=64,
        num_train_epochs=1,
        max_steps=STEPS,
        learning_rate=5e-5,
        warmup_steps=40,
        bf16=True,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model,
        settings,
        train_dataset=encode("train"),
        eval_dataset=encode("test"),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda told: {"accuracy": float((told.predictions.argmax(-1) == told.label_ids).mean())},
    )
    trained = trainer.train()
    accuracy = None if STEPS > 0 else round(trainer.evaluate()["eval_accuracy"], 4)
print(json.dumps({"accuracy": accuracy, "samples_a_second": trained.metrics["train_samples_per_second"]}))
