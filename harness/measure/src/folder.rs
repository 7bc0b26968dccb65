//! A run's folder: written as the run goes, so that a crash loses nothing that was finished, and
//! read again by reports.
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::{
    Histogram, MalformedHistogram, Manifest, Measurement, Portrait, RunRecord, SCHEMA, Setup,
    Status, log,
};

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "runs.jsonl";
const HISTOGRAMS: &str = "hist";
const PORTRAITS: &str = "portraits";
const LATEST: &str = "latest";
/// What a usual run takes on the disk, in bytes.
const ROOM: usize = 1 << 20;

/// Why a run's folder could not be written or read.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Something could not be written. What was measured is still in memory.
    #[error(
        "cannot write {}: {source}; what was measured is not stored. Free the disk, or choose \
         another folder for runs",
        .path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Runs cannot be stored here, as was found before anything was measured.
    #[error(
        "runs cannot be stored in {}: {source}. Nothing was measured: free the disk, or choose \
         another folder for runs",
        .path.display()
    )]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something could not be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no run here.
    #[error(
        "{} is not the folder of a run: it has no {MANIFEST}. Name a folder that a run has printed",
        .0.display()
    )]
    NotARun(PathBuf),
    /// It was written by a version of the suite that measures something else.
    #[error(
        "{} has schema {found}, and this version of peerbench reads {SCHEMA}. Measure again, or \
         read it with the version that wrote it",
        .path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema it names.
        found: u32,
    },
    /// A file is not what the suite writes.
    #[error("{}, line {line}: {source}. The file was changed or is damaged", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// A file of histograms is not what the suite writes.
    #[error("{}: {source}. The file was changed or is damaged", .path.display())]
    Histogram {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: MalformedHistogram,
    },
}

/// A run: its manifest, its records, its histograms, its portraits. What was appended stays in memory, too, so a
/// disk that fails costs nothing but the stored copy.
#[derive(Debug)]
pub struct RunFolder {
    path: Option<PathBuf>,
    /// Whether something is missing on the disk.
    is_incomplete: bool,
    manifest: Manifest,
    records: Vec<RunRecord>,
    /// The logs appended in this process, by their names in records.
    logs: BTreeMap<String, Vec<u8>>,
    /// The portraits stored in this process, by their files from the run's folder.
    portraits: BTreeMap<String, Portrait>,
}

impl RunFolder {
    /// Makes the folder of a run that begins now, among the others in `runs`, and points
    /// `runs/latest` at it.
    ///
    /// # Errors
    /// [`FolderError::Unusable`] if the disk does not take it, or has no room for a usual run.
    pub fn create(runs: &Path, setup: Setup) -> Result<Self, FolderError> {
        let mut folder = Self::in_memory(setup);
        let begun = folder.begin(runs).and_then(|()| folder.try_room());
        if let Err(error) = begun {
            if let Some(path) = &folder.path {
                // It was made a moment ago, and holds nothing that was measured.
                let _ = fs::remove_dir_all(path);
            }
            return Err(match error {
                FolderError::Write { path, source } => FolderError::Unusable { path, source },
                other => other,
            });
        }
        point_latest_at(runs, &folder.manifest.id);
        Ok(folder)
    }

    /// Makes the folder among the others in `runs`, with the manifest in it.
    fn begin(&mut self, runs: &Path) -> Result<(), FolderError> {
        fs::create_dir_all(runs).map_err(|error| unwritten(runs, error))?;
        let path = loop {
            let path = runs.join(&self.manifest.id);
            match fs::create_dir(&path) {
                Ok(()) => break path,
                // The same process began another run within this second.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.manifest.id.push('x');
                }
                Err(error) => return Err(unwritten(&path, error)),
            }
        };
        let histograms = path.join(HISTOGRAMS);
        fs::create_dir(&histograms).map_err(|error| unwritten(&histograms, error))?;
        self.path = Some(path);
        self.store_manifest()
    }

    /// Whether all that was measured is on the disk, or was meant to be nowhere.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.is_incomplete
    }

    /// Stores the whole run among those in `runs`, after the disk that it was on has failed; what
    /// follows goes there, too. Gives the new folder.
    ///
    /// # Errors
    /// [`FolderError::Write`] if this disk does not take it either, or [`FolderError::Read`] if an
    /// earlier part of the run cannot be read any more.
    pub fn rescue(&mut self, runs: &Path) -> Result<PathBuf, FolderError> {
        let earlier = self.path.take();
        self.begin(runs)?;
        let Some(path) = self.path.clone() else { return Ok(PathBuf::new()) };
        for record in &self.records {
            let file = record.key.histogram_file();
            let log = match (self.logs.get(&file), &earlier) {
                (Some(log), _) => log.clone(),
                (None, Some(earlier)) => {
                    let path = earlier.join(&file);
                    fs::read(&path).map_err(|source| FolderError::Read { path, source })?
                }
                (None, None) => continue,
            };
            self.store_record(record, &file, &log)?;
        }
        for portrait in self.portraits.clone().values() {
            self.store_portrait(portrait)?;
        }
        self.is_incomplete = false;
        Ok(path)
    }

    /// A run that is stored nowhere: for when the disk does not take it, and for tests.
    #[must_use]
    pub fn in_memory(setup: Setup) -> Self {
        Self {
            path: None,
            is_incomplete: false,
            manifest: Manifest::begin(setup),
            records: Vec::new(),
            logs: BTreeMap::new(),
            portraits: BTreeMap::new(),
        }
    }

    /// Opens the folder of a run, finished or not.
    ///
    /// # Errors
    /// If there is none, if it cannot be read, or if its schema is another. A last record that was
    /// cut short, as by a crash, is left out.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let manifest_path = path.join(MANIFEST);
        let text = fs::read_to_string(&manifest_path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                FolderError::NotARun(path.to_owned())
            }
            _ => FolderError::Read { path: manifest_path.clone(), source },
        })?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|source| {
            FolderError::Malformed { path: manifest_path.clone(), line: source.line(), source }
        })?;
        if manifest.schema != SCHEMA {
            return Err(FolderError::Schema { path: manifest_path, found: manifest.schema });
        }
        let records = read_records(&path.join(RECORDS))?;
        let (logs, portraits) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self {
            path: Some(path.to_owned()),
            is_incomplete: false,
            manifest,
            records,
            logs,
            portraits,
        })
    }

    /// Opens the folder of a run to go on with it, and points `latest` beside it at it. A record that
    /// was cut short is removed, and the run has not ended any more.
    ///
    /// # Errors
    /// As those of [`Self::open`], and [`FolderError::Write`] if the disk does not take it.
    pub fn resume(path: &Path) -> Result<Self, FolderError> {
        // `latest` is a link to another name in the same folder.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut folder = Self::open(&path)?;
        let records = path.join(RECORDS);
        remove_half_a_record(&records).map_err(|error| unwritten(&records, error))?;
        if let Some(runs) = path.parent() {
            point_latest_at(runs, &folder.manifest.id);
        }
        folder.manifest.goes_on();
        folder.store_manifest()?;
        Ok(folder)
    }

    /// Where the run is stored; `None`: nowhere.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The circumstances of the run.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The records, in the order in which they were finished.
    #[must_use]
    pub fn records(&self) -> &[RunRecord] {
        &self.records
    }

    /// Forgets all records but those that this says true of, and the overlays that are then without
    /// any. What is stored stays as it is.
    pub fn retain(&mut self, is_meant: impl Fn(&RunRecord) -> bool) {
        self.records.retain(is_meant);
        let records = &self.records;
        let is_left = |overlay: &String| records.iter().any(|it| it.key.overlay == *overlay);
        self.manifest.overlays.retain(is_left);
    }

    /// Adds what was measured and flushes it to the disk: the histograms first, so that a record
    /// on the disk has them.
    ///
    /// # Errors
    /// [`FolderError::Write`] if the disk does not take it; the record is in [`Self::records`] all
    /// the same.
    pub fn append(
        &mut self,
        record: &RunRecord,
        measurement: &Measurement,
    ) -> Result<(), FolderError> {
        let log = log::write(measurement);
        let file = record.key.histogram_file();
        let stored = self.store_record(record, &file, &log);
        self.is_incomplete |= stored.is_err();
        self.manifest.controls.extend(record.controls.clone());
        self.records.push(record.clone());
        self.logs.insert(file, log);
        stored
    }

    /// Notes how the run ended.
    ///
    /// # Errors
    /// [`FolderError::Write`] if the disk does not take it.
    pub fn finish(&mut self, status: Status) -> Result<(), FolderError> {
        self.manifest.end(status);
        let stored = self.store_manifest();
        self.is_incomplete |= stored.is_err();
        stored
    }

    /// Puts a report into the folder.
    ///
    /// # Errors
    /// [`FolderError::Write`] if the disk does not take it.
    pub fn store_report(&self, name: &str, text: &str) -> Result<(), FolderError> {
        self.path.as_ref().map_or(Ok(()), |path| replace(&path.join(name), text.as_bytes()))
    }

    /// Puts a run's portrait into the folder, in the place of an earlier one of the same run.
    ///
    /// # Errors
    /// [`FolderError::Write`] if the disk does not take it; it is in [`Self::portraits`] all the
    /// same.
    pub fn store_portrait(&mut self, portrait: &Portrait) -> Result<(), FolderError> {
        let file = portrait.key.portrait_file();
        let stored = self.path.as_ref().map_or(Ok(()), |folder| {
            let portraits = folder.join(PORTRAITS);
            fs::create_dir_all(&portraits).map_err(|error| unwritten(&portraits, error))?;
            replace(&folder.join(&file), &json(portrait, |to, it| serde_json::to_writer(to, it)))
        });
        self.portraits.insert(file, portrait.clone());
        stored
    }

    /// The portraits of the run, by their keys.
    ///
    /// # Errors
    /// If one cannot be read or is damaged.
    pub fn portraits(&self) -> Result<Vec<Portrait>, FolderError> {
        let mut portraits: Vec<Portrait> = self.portraits.values().cloned().collect();
        if let Some(folder) = &self.path {
            for file in portrait_files(folder)? {
                if !self.portraits.contains_key(&file) {
                    portraits.push(read_portrait(&folder.join(file))?);
                }
            }
        }
        portraits.sort_by(|one, another| one.key.cmp(&another.key));
        Ok(portraits)
    }

    /// The distribution behind a metric of a record; `None` if nothing was counted.
    ///
    /// # Errors
    /// If the file with it cannot be read or is damaged.
    pub fn histogram(
        &self,
        record: &RunRecord,
        tag: &str,
    ) -> Result<Option<Histogram>, FolderError> {
        let Some(entry) = record.histograms.iter().find(|entry| entry.tag == tag) else {
            return Ok(None);
        };
        let malformed = |source| FolderError::Histogram { path: entry.file.clone().into(), source };
        if let Some(log) = self.logs.get(&entry.file) {
            return log::read(log, tag).map_err(malformed);
        }
        let Some(folder) = &self.path else { return Ok(None) };
        let path = folder.join(&entry.file);
        let log = fs::read(&path).map_err(|source| FolderError::Read { path, source })?;
        log::read(&log, tag).map_err(malformed)
    }

    /// Finds out whether there is room for a usual run: its records, its histograms and its page.
    fn try_room(&self) -> Result<(), FolderError> {
        let Some(folder) = &self.path else { return Ok(()) };
        let path = folder.join("room");
        let tried = fs::write(&path, vec![0; ROOM]);
        let removed = fs::remove_file(&path);
        tried.and(removed).map_err(|error| unwritten(folder, error))
    }

    fn store_record(&self, record: &RunRecord, file: &str, log: &[u8]) -> Result<(), FolderError> {
        let Some(folder) = &self.path else { return Ok(()) };
        replace(&folder.join(file), log)?;
        let path = folder.join(RECORDS);
        let mut line = json(record, |to, value| serde_json::to_writer(to, value));
        line.push(b'\n');
        append(&path, &line).map_err(|error| unwritten(&path, error))
    }

    fn store_manifest(&self) -> Result<(), FolderError> {
        let Some(folder) = &self.path else { return Ok(()) };
        let mut text = json(&self.manifest, |to, value| serde_json::to_writer_pretty(to, value));
        text.push(b'\n');
        replace(&folder.join(MANIFEST), &text)
    }
}

fn json<T: Serialize>(
    value: &T,
    write: impl FnOnce(&mut Vec<u8>, &T) -> serde_json::Result<()>,
) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text, value).expect("plain values with text keys encode, and a vector takes them");
    text
}

fn read_records(path: &Path) -> Result<Vec<RunRecord>, FolderError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FolderError::Read { path: path.to_owned(), source }),
    };
    let mut records = Vec::new();
    for (line, record) in (1..).zip(text.split_inclusive('\n')) {
        match serde_json::from_str::<RunRecord>(record) {
            Ok(record) if record.schema == SCHEMA => records.push(record),
            Ok(RunRecord { schema: found, .. }) => {
                return Err(FolderError::Schema { path: path.to_owned(), found });
            }
            // Cut short: the last thing that a crash left.
            Err(_) if !record.ends_with('\n') => {}
            Err(source) => {
                return Err(FolderError::Malformed { path: path.to_owned(), line, source });
            }
        }
    }
    Ok(records)
}

/// The files of portraits, from the run's folder.
fn portrait_files(folder: &Path) -> Result<Vec<String>, FolderError> {
    let path = folder.join(PORTRAITS);
    let unreadable = |source| FolderError::Read { path: path.clone(), source };
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        // Anything else is half a file that a crash left, or somebody's own.
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".json")) {
            files.push(format!("{PORTRAITS}/{name}"));
        }
    }
    Ok(files)
}

fn read_portrait(path: &Path) -> Result<Portrait, FolderError> {
    let text =
        fs::read(path).map_err(|source| FolderError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|source| FolderError::Malformed {
        path: path.to_owned(),
        line: source.line(),
        source,
    })
}

/// Cuts off what is behind the last end of a line, which a crash has left.
fn remove_half_a_record(path: &Path) -> io::Result<()> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole == text.len() {
        return Ok(());
    }
    OpenOptions::new().write(true).open(path)?.set_len(whole as u64)
}

/// Adds a line to a file, or leaves the file as it was.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    let written = file.write_all(line).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a line would spoil the next one. The first error is the one to tell.
        let _ = file.set_len(length);
    }
    written
}

/// Writes a file whole or not at all: a reader never sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    File::create(&new)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        })
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| {
            let _ = fs::remove_file(&new);
            unwritten(path, error)
        })
}

fn unwritten(path: &Path, source: io::Error) -> FolderError {
    FolderError::Write { path: path.to_owned(), source }
}

/// Renames a new link over the old one, so that there is one at any time. A convenience: where the
/// file system has no links, there is no `latest`, and the run goes on.
fn point_latest_at(runs: &Path, id: &str) {
    #[cfg(unix)]
    {
        let new = runs.join(format!(".{LATEST}-{id}"));
        if std::os::unix::fs::symlink(id, &new).is_ok()
            && fs::rename(&new, runs.join(LATEST)).is_err()
        {
            let _ = fs::remove_file(&new);
        }
    }
    #[cfg(not(unix))]
    let _ = (runs, id, LATEST);
}
