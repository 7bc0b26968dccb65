//! Frames of links, in two parts as the network may cut them.
#![no_main]
use libfuzzer_sys::fuzz_target;
use peerbench_testbed::link::Decoder;

fuzz_target!(|data: &[u8]| {
    let Some((cut, data)) = data.split_first() else { return };
    let (first, second) = data.split_at(usize::from(*cut).min(data.len()));
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    let is_read = [first, second].iter().all(|part| decoder.push(part, &mut frames).is_ok());
    let read: usize = frames.iter().map(Vec::len).sum();
    assert!(read + decoder.held() <= data.len());
    assert!(is_read || frames.len() <= data.len());
});
