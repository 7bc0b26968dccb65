//! Messages of the control channel, both ways.
#![no_main]
use libfuzzer_sys::fuzz_target;
use peerbench_testbed::control::{Notice, Order, parse};

fuzz_target!(|data: &[u8]| {
    let _ = parse::<Notice>(data);
    let _ = parse::<Order>(data);
});
