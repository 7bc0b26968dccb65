//! Overlays are pure: proved by building each of them, and all they depend on, where there is no
//! standard library to call a clock, a socket, a thread or a hash map from.
//!
//! The compiler gets a sysroot with `core`, `alloc` and what these two need, and nothing else. It
//! applies to the target only, so that procedural macros and build scripts, which run at build time,
//! have theirs.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a sysroot without an operating system holds.
const LIBRARIES: [&str; 3] = ["libcore-", "liballoc-", "libcompiler_builtins-"];

/// Builds packages for this machine with a bare sysroot; kept between runs, so that only the first
/// one takes more than a second.
struct BareBuild {
    host: String,
    sysroot: PathBuf,
    target: PathBuf,
}

impl BareBuild {
    fn new() -> Self {
        let version = rustc(&["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.expect("`rustc -vV` names its host").to_owned();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("purity");
        let sysroot = folder.join("sysroot");
        let inner = format!("lib/rustlib/{host}/lib");
        let full = Path::new(rustc(&["--print", "sysroot"]).trim()).join(&inner);
        lay_out(&full, &sysroot.join(inner));
        Self { host, sysroot, target: folder.join("target") }
    }

    fn check(&self, manifest: &Path, packages: &[String]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--locked", "--target", &self.host]);
        cargo.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(&self.target);
        for package in packages {
            cargo.args(["--package", package]);
        }
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.env("RUSTFLAGS", format!("--sysroot {}", self.sysroot.display()));
        cargo.output().expect("the cargo that runs this test can be run once more")
    }
}

fn rustc(arguments: &[&str]) -> String {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).args(arguments).output().expect("rustc can be run");
    String::from_utf8(output.stdout).expect("rustc answers in UTF-8")
}

/// Puts the libraries of the toolchain's sysroot that we want, and no other, into a folder.
fn lay_out(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).expect("the folder is this test's own");
    }
    fs::create_dir_all(to).expect("the folder can be made");
    let libraries = fs::read_dir(from).expect("the toolchain has libraries for its host");
    for library in libraries.map(|entry| entry.expect("the folder can be read").path()) {
        let name = library.file_name().expect("an entry has a name").to_owned();
        if LIBRARIES.iter().any(|wanted| name.to_string_lossy().starts_with(wanted)) {
            let copy = to.join(name);
            if fs::hard_link(&library, &copy).is_err() {
                fs::copy(&library, &copy).expect("a library can be copied");
            }
        }
    }
}

fn overlays() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a folder").to_owned()
}

/// The packages in the folders of `overlays/`.
fn overlay_packages() -> Vec<String> {
    let folders = fs::read_dir(overlays()).expect("the folder of overlays can be read");
    let manifests = folders.map(|entry| entry.expect("it can be read").path().join("Cargo.toml"));
    let mut packages: Vec<String> = manifests
        .filter_map(|manifest| fs::read_to_string(manifest).ok())
        .map(|manifest| {
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
            name.expect("a package has a name").trim_matches('"').to_owned()
        })
        .collect();
    packages.sort_unstable();
    packages
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A crate that reads the clock.
fn impure_crate() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("purity/impure");
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    for (name, text) in [
        ("Cargo.toml", "[package]\nname = \"impure\"\nedition = \"2024\"\n[workspace]\n"),
        ("Cargo.lock", "version = 4\n[[package]]\nname = \"impure\"\nversion = \"0.0.0\"\n"),
        ("src/lib.rs", "pub fn now() -> std::time::Instant { std::time::Instant::now() }\n"),
    ] {
        fs::write(folder.join(name), text).expect("the file can be written");
    }
    folder.join("Cargo.toml")
}

#[test]
fn overlays_build_without_a_standard_library() {
    let packages = overlay_packages();
    assert!(packages.iter().any(|package| package == env!("CARGO_PKG_NAME")), "{packages:?}");
    let bare = BareBuild::new();
    let manifest = overlays().parent().expect("overlays are in the workspace").join("Cargo.toml");
    let output = bare.check(&manifest, &packages);
    assert!(output.status.success(), "{packages:?} are not pure:\n{}", errors(&output));

    // It proves something only if what is impure fails.
    let output = bare.check(&impure_crate(), &[]);
    assert!(!output.status.success(), "a clock was found where there is none");
    assert!(errors(&output).contains("can't find crate for `std`"), "{}", errors(&output));
}
