# peerbench: benchmarks peer-to-peer overlays side by side. `just` alone prints this page.

peerbench := "cargo run --release --quiet --"

[private]
default:
    @just --list --unsorted

# Measure overlays on the testbed and in the simulator: `just bench chord --nodes 32`
[group('measure')]
bench +arguments='chord':
    {{ peerbench }} bench {{ arguments }}

# Measure all overlays in one world, side by side: `just compare --reference chord`
[group('measure')]
compare *arguments:
    {{ peerbench }} bench tracker flooding chord {{ arguments }}

# See a lesson of the field by measurement: `just lesson cheat`; `just list lessons`
[group('measure')]
lesson name *arguments:
    {{ peerbench }} lesson {{ name }} {{ arguments }}

# Who resists those who only take: `just freeloaders bittorrent --share 0,25,50 --scenario swarm`
[group('measure')]
freeloaders *arguments:
    {{ peerbench }} freeloaders {{ arguments }}

# Every combination of parameters, cost against performance: `just sweep chord --set overlays.chord.successors=4,8,16`
[group('measure')]
sweep +arguments:
    {{ peerbench }} sweep {{ arguments }}

# Measure in the simulator alone: `just simulate chord --nodes 100000`
[group('measure')]
simulate +arguments='chord':
    {{ peerbench }} bench --driver simulator {{ arguments }}

# Print what papers published beside what comes out here
[group('measure')]
papers *scenario:
    {{ peerbench }} papers {{ scenario }}

# Print the table of a stored run again; without one, of the latest
[group('read')]
report *arguments:
    {{ peerbench }} report {{ arguments }}

# Compare stored runs: `just compare-runs reports/runs/A reports/runs/B`
[group('read')]
compare-runs +runs:
    {{ peerbench }} compare {{ runs }}

# Say whether the testbed's numbers can be trusted on this machine
[group('read')]
doctor *arguments:
    {{ peerbench }} doctor {{ arguments }}

# Write stored runs for other programs: `just export latest --format csv`
[group('read')]
export +arguments:
    {{ peerbench }} export {{ arguments }}

# List what there is: `just list overlays`, `scenarios`, `lessons`, `metrics` or `strategies`
[group('read')]
list what='overlays':
    {{ peerbench }} list {{ what }}

# Say what a metric means: `just explain lookup_hops_mean`
[group('read')]
explain metric:
    {{ peerbench }} explain {{ metric }}

# Check a scenario: `just check --scenario mine.yaml`
[group('read')]
check *arguments:
    {{ peerbench }} config check {{ arguments }}

# Run the tests
[group('develop')]
test *arguments:
    cargo test --workspace {{ arguments }}

# Look for worlds that overlays do not outlive, for so long: `just fuzz-world 60 --overlay chord`
[group('develop')]
fuzz-world seconds='60' *arguments:
    {{ peerbench }} fuzz-world {{ seconds }} {{ arguments }}

# Throw random and damaged frames at every decoder and overlay: `just fuzz-frames --frames 100000000`
[group('develop')]
fuzz-frames *arguments:
    {{ peerbench }} fuzz-frames {{ arguments }}

# Run the micro-benchmarks
[group('develop')]
criterion *arguments:
    cargo bench -p peerbench-simulator {{ arguments }}

# Say whether this change makes an overlay worse than what was accepted: `just gate chord`
[group('develop')]
gate *arguments:
    {{ peerbench }} gate {{ arguments }}

# Say whether the working tree makes an overlay worse: `just regress`, `just regress main --testbed`
[group('develop')]
regress *arguments:
    {{ peerbench }} regress {{ arguments }}

# Save, accept, show or diff what the gate compares to: `just baseline accept`, then commit it
[group('develop')]
baseline +arguments='show':
    {{ peerbench }} baseline {{ arguments }}

# Format, lint, test and bench, as CI does
[group('develop')]
ci:
    bash .ci/run

# Write the JSON Schema of scenarios after a change of their fields
[group('develop')]
schema:
    {{ peerbench }} config schema > configs/scenario.schema.json
