# make run     set up and run the main job: five contenders on real MNIST, quick preset, report
# make test    set up and run the tests but for the slow ones
# make test-slow   the slow ones: studies that are trained from end to end, and audits of eyechart itself
# make demo    the same study on a page: draw, and all contenders answer; trains it first if it is not there
# make check   lint, format and types
# make accuracy            every recipe's full schedule, three seeds, into records/mnist.json (hours; goes on where it stopped)
# make accuracy SEEDS=10   the same with ten seeds: enough for verdicts on all ten pairs
# make accuracy JOBS=1     the same, one run at a time, for times that may be compared; JOBS=2 is what it does by itself
# make accuracy-quick SEEDS=10   equal seconds, paired seeds, into records/mnist-quick.json (95 minutes; leave the machine alone)
# make accuracy-standard   every recipe's full schedule, one seed, into records/mnist-standard.json (some two hours)
# make detection           detectors on scenes and on single digits, into records/detection.json (hours; goes on where it stopped)
# make pretraining         what pretraining buys, by number of images, into records/pretraining.json (hours; goes on)
# make contexts            who is best where: contexts of half an hour each, into records/contexts-*.json (hours; goes on)
# make vit-ladder          a tutorial's ViT repaired one thing at a time, into records/contexts-vit-ladder.json (hours; goes on)
# make audit               does eyechart deserve trust itself? into records/audit.json (half an hour)
# make chaos               kills, faults and damaged checkpoints, counted, into records/reliability.json (goes on where it stopped)
# make bench               every benchmark against its peers, into records/bench.json (over an hour)
#
# PYTHON=python3.12 chooses the interpreter.  PIP_ARGS is passed to every pip install, for instance to take torch from
# the index of CPU-only builds that the PyTorch site names.

PYTHON ?= python3
PIP_ARGS ?=
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(PIP_ARGS)

# Paired seeds 0, 1, 2, ... of make accuracy and make accuracy-quick.
SEEDS ?= 3
SEED_LIST = $(shell $(PYTHON) -c "print(*range($(SEEDS)), sep=',')")

# Runs at once of make accuracy, of one thread each: the same bits in less time, and no times to compare.
JOBS ?= 2

.PHONY: run test test-slow demo check accuracy accuracy-quick accuracy-standard detection pretraining contexts vit-ladder audit chaos bench clean

run: $(VENV)/.installed
	$(BIN)/eyechart run --preset quick --resume

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

demo: $(VENV)/.installed-serve
	$(BIN)/eyechart run --preset quick --resume
	$(BIN)/eyechart serve runs/quick-mnist

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The records that the README shows; a run that is finished is not trained again.
accuracy: $(VENV)/.installed
	$(BIN)/python scripts/record_accuracy.py runs/accuracy --left $(SEED_LIST)
	$(BIN)/eyechart run --preset standard --seeds $(SEED_LIST) --threads 1 --jobs $(JOBS) --name accuracy --resume
	$(BIN)/python scripts/record_accuracy.py runs/accuracy -o records/mnist.json -c "make accuracy SEEDS=$(SEEDS)"
	$(BIN)/python scripts/readme_tables.py

accuracy-quick: $(VENV)/.installed
	$(BIN)/python scripts/record_accuracy.py runs/accuracy-quick --left $(SEED_LIST)
	$(BIN)/eyechart run --preset quick --seeds $(SEED_LIST) --name accuracy-quick --resume
	$(BIN)/python scripts/record_accuracy.py runs/accuracy-quick -o records/mnist-quick.json \
		-c "make accuracy-quick SEEDS=$(SEEDS)"
	$(BIN)/python scripts/readme_tables.py

# The first seed of `make accuracy`, which goes on from there; one that was begun is finished first.
accuracy-standard: $(VENV)/.installed
	$(BIN)/eyechart run --preset standard --threads 1 --name accuracy --resume
	$(BIN)/python scripts/record_accuracy.py runs/accuracy --seeds 0 -o records/mnist-standard.json \
		-c "make accuracy-standard"
	$(BIN)/python scripts/readme_tables.py

# Ten minutes and the full schedule on scenes of 128 pixels, large scenes, and single digits; judged on scenes of another
# generator too.
SCENES_300 = scenes:mnist,canvas=300,count=1-20,side=15-100,overlap=0.3,train=12000,validation=200,test=300
detection: $(VENV)/.installed
	$(BIN)/eyechart run -d scenes:mnist --preset standard --seconds 600 --name detection-128-quick --resume
	$(BIN)/eyechart run -d scenes:mnist --preset standard --name detection-128-full --resume
	$(BIN)/eyechart run -d $(SCENES_300) --recipe records/recipes/fasterrcnn-large-scenes.json --preset standard \
		--name detection-300 --resume
	$(BIN)/eyechart run -m fasterrcnn --recipe records/recipes/fasterrcnn-classifier.json --preset standard \
		--seeds 0,1,2 --name detection-mnist --resume
	$(BIN)/python scripts/record_detection.py runs

# What pretraining buys, by how many images there are; AlexNet starts from letters that are drawn here.  Hours; where the CPU
# has units for bfloat16, FASTER="--precision bfloat16 --threads 1 --jobs 2" is quicker.
FASTER ?=
STARTS = cnn,vit,vgg16:none,vgg16:hed:head,vgg16:hed:last,vgg16:hed:full,alexnet:none,alexnet:glyphs:head,alexnet:glyphs:last,alexnet:glyphs:full
WHOLE = cnn,vit,vgg16:hed:full,alexnet:glyphs:full
pretraining: $(VENV)/.installed
	$(BIN)/eyechart weights verify alexnet:glyphs || $(BIN)/eyechart pretrain alexnet --data glyphs --resume
	$(BIN)/eyechart study pretraining -m $(STARTS) --levels 100,300,1000 --images 5000 --seeds 0,1,2,3,4,5,6 \
		--name pretraining-mnist $(FASTER)
	$(BIN)/eyechart study pretraining -m $(STARTS) --levels 10000 --images 20000 --seeds 0,1,2 --name pretraining-10000 $(FASTER)
	$(BIN)/eyechart study pretraining -m $(WHOLE) --levels 59000 --images 59000 --seeds 0,1,2 --name pretraining-59000 $(FASTER)
	for size in mnist 10000 59000; do \
		$(BIN)/python scripts/record_context.py runs/pretraining-$$size -c 'make pretraining FASTER="$(FASTER)"' --add \
			-o records/pretraining.json -d docs/fine-tuning.md || exit 1; \
	done

# The paired seeds of the quick study are judged again, on 1,000 images where there are many kinds of them; then every
# context that trains, at the size of half an hour, in turns.
CONTEXTS = data-size budget resolution label-noise
SOME = --images 1000
contexts: $(VENV)/.installed
	$(BIN)/eyechart run --preset quick --seeds $(SEED_LIST) --name accuracy-quick --resume
	$(BIN)/eyechart study corruption runs/accuracy-quick $(SOME)
	$(BIN)/eyechart study clutter runs/accuracy-quick $(SOME)
	$(BIN)/eyechart study shift runs/accuracy-quick
	for folder in corruption-1000-images clutter-1000-images shift; do \
		$(BIN)/python scripts/record_context.py runs/accuracy-quick/$$folder -c "make contexts SEEDS=$(SEEDS)" || exit 1; \
	done
	for context in $(CONTEXTS); do \
		$(BIN)/eyechart study $$context && \
		$(BIN)/python scripts/record_context.py runs/$$context-mnist -c "make contexts" || exit 1; \
	done
	$(BIN)/eyechart map runs

# Networks this small gain little from a second thread.  The last rung is our vit at its longest recipe.  The smallest
# networks vary most with the seed, and are quick: they have ten.
SMALL_RUNGS = --levels 0,1,3,4,5,6,7 --seeds 0,1,2,3,4,5,6,7,8,9
VIT_LONG = eyechart run -m vit --recipe records/recipes/vit-long.json --preset standard --seeds 0,1,2 --threads 1 --no-exam
vit-ladder: $(VENV)/.installed
	$(BIN)/$(VIT_LONG) --jobs $(JOBS) --name vit-long --resume
	$(BIN)/eyechart study vit-ladder runs/vit-long --preset standard --threads 1 --jobs $(JOBS)
	$(BIN)/python scripts/record_ladder.py runs/vit-ladder-mnist --best runs/vit-long -c "make vit-ladder"
	$(BIN)/eyechart study vit-ladder --preset standard $(SMALL_RUNGS) --threads 1 --jobs $(JOBS) --name ladder-seeds
	$(BIN)/python scripts/record_ladder.py runs/ladder-seeds --part -c "make vit-ladder" \
		-o records/contexts-vit-ladder-seeds.json

# Those that this commit has passed are not done again; trainings are kept below runs/audits.
audit: $(VENV)/.installed-dev
	$(BIN)/python -m audits

# At least so many; every contender in turn, tiny.  What was tried is kept below runs/chaos and not tried again.
KILLS ?= 200
MUTATIONS ?= 1000
chaos: $(VENV)/.installed-ray
	$(BIN)/python -m audits.chaos --kills $(KILLS) --mutations $(MUTATIONS)

# Interleaved with peers that anyone can install; leave the machine alone meanwhile.
bench: $(VENV)/.installed-bench
	$(BIN)/eyechart run --preset quick --resume
	$(BIN)/python -m benchmarks
	$(BIN)/python scripts/performance_table.py records/bench.json docs/performance.md
	$(BIN)/python scripts/readme_speed.py

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.installed-serve: $(VENV)/.installed
	$(PIP) -e ".[serve]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e ".[dev]"
	touch $@

$(VENV)/.installed-ray: $(VENV)/.installed-dev
	$(PIP) -e ".[ray]"
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	$(PIP) -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV)
