# The front door; the work is done by CMake and Ninja.
BUILD := build/release
PREFIX ?= /usr/local

.PHONY: all demo check bench bench-peers bench-families bench-tables bench-text bench-photos bench-masks fuzz install size format clean help
all: ## build the library and the command
	@tools/deps.sh build
	@cmake -G Ninja -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build $(BUILD)

demo: all ## the whole product on real input, in under three minutes
	@tools/demo.sh $(BUILD)/t2m

check: ## all tests, also under AddressSanitizer and UBSan; layers, format, clang-tidy
	@tools/deps.sh check
	@tools/check.sh

bench: all ## speed of the kernels and of meta-training beside the machine's limit
	@cmake --build $(BUILD) --target bench
	@$(BUILD)/bench

bench-peers: all ## the same beside PyTorch and JAX, installed in build/peers
	@tools/deps.sh peers
	@cmake --build $(BUILD) --target bench
	@python3 bench/peers/compare.py $(BUILD)/bench

bench-families: all ## real families of regression tasks in DATA beside ridge regression and a mixed model
	@test -d "$(DATA)" || { echo "DATA=FOLDER is missing: CSVs with task, inputs, target, and index.csv"; exit 2; }
	@test -x build/peers/statistics/bin/python || python3 -m venv build/peers/statistics
	@build/peers/statistics/bin/pip install -q numpy scikit-learn statsmodels
	@build/peers/statistics/bin/python bench/accuracy/families.py $(BUILD)/t2m $(DATA) --draws 4

bench-tables: all ## small real tables in DATA beside logistic regression, k-NN, forest, boosting and an MLP
	@test -d "$(DATA)" || { echo "DATA=FOLDER is missing: CSVs with the last column target, and index.csv"; exit 2; }
	@test -x build/peers/tables/bin/python || python3 -m venv build/peers/tables
	@build/peers/tables/bin/pip install -q numpy scikit-learn xgboost
	@build/peers/tables/bin/python bench/accuracy/tables.py $(DATA) --t2m $(BUILD)/t2m $(ARGUMENTS)

bench-text: all ## short texts in DATA beside TF-IDF, with ENCODER=DIR beside a sentence encoder too; quick: ARGUMENTS=--quick
	@test -d "$(DATA)" || { echo "DATA=FOLDER is missing: text_clinc150/, text_banking77/, text_hwu64/, text_arsc/"; exit 2; }
	@test -x build/peers/texts/bin/python || python3 -m venv build/peers/texts
	@build/peers/texts/bin/pip install -q numpy scikit-learn
	@build/peers/texts/bin/python bench/accuracy/texts.py $(DATA) --t2m $(BUILD)/t2m $(if $(ENCODER),--encoder $(ENCODER)) $(ARGUMENTS)

bench-photos: all ## photographs in DATA, classes of 1 and 5 examples, all methods; ARGUMENTS="--steps N --structure S"
	@test -d "$(DATA)" || { echo "DATA=FOLDER is missing: *train*.zip and *val*.zip of class folders"; exit 2; }
	@python3 bench/accuracy/photos.py $(BUILD)/t2m $(DATA) $(ARGUMENTS)

bench-masks: all ## pictures with masks in DATA beside naive Bayes and a U-Net from scratch; LEARNER=NAME, ARGUMENTS=...
	@test -d "$(DATA)" || { echo "DATA=FOLDER is missing: seg_ccp/, seg_voc/, seg_nuclei/, seg_magtile/, seg_cwfid/, seg_membrane/"; exit 2; }
	@test -x build/peers/masks/bin/python || python3 -m venv build/peers/masks
	@build/peers/masks/bin/pip install -q numpy pillow torch
	@build/peers/masks/bin/python bench/accuracy/masks.py $(DATA) --t2m $(BUILD)/t2m $(if $(LEARNER),--learner $(LEARNER)) $(ARGUMENTS)

fuzz: ## a minute for each fuzz target (clang)
	@tools/deps.sh fuzz
	@tools/fuzz.sh

install: all ## into PREFIX (default /usr/local)
	@cmake --install $(BUILD)

size: all ## lines per folder, longest functions, size of a model that runs alone
	@cmake --build $(BUILD) --target model_alone_static
	@tools/size $(BUILD)

format: ## clang-format over all sources
	@clang-format-14 -i $$(find src include tests examples bench fuzz -name '*.[ch]')

clean: ## remove build/
	@rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
