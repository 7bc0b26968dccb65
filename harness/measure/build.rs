//! Names the toolchain and the profile of this build, for the manifest of every run.
use std::env;
use std::process::Command;

fn main() {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    println!("cargo:rustc-env=PEERBENCH_RUSTC={}", version.trim());
    for variable in ["PROFILE", "TARGET"] {
        let value = env::var(variable).unwrap_or_default();
        println!("cargo:rustc-env=PEERBENCH_{variable}={value}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
