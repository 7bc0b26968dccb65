//! Real bytes to swarm: those of a file, or of the files of a folder one after the other, in the
//! order of their paths, as in a torrent of several files (BEP 3).
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::check::LARGEST_IN_PIECES;
use crate::network::Unusable;

/// The most files a folder may hold: each node of the testbed is told of all.
pub const MOST_FILES: usize = 16_384;

/// What to do where something cannot be read.
const READABLE: &str = "name a file or a folder that you may read, by its path from the working \
                        directory or from the scenario's folder";

/// Which files, and how long they are. Their bytes are read when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// In order, none of them empty.
    files: Vec<Extent>,
}

/// A file and which part of the content it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Extent {
    path: String,
    begin: u64,
    length: u64,
}

impl Content {
    /// The content at a path. Links below a folder are followed to files, but not to folders, which
    /// could go round in a circle; what is neither a file nor a folder is left out.
    ///
    /// # Errors
    /// If there is nothing at the path, something in it cannot be read, it has no bytes, or there
    /// are more than can be swarmed.
    pub fn open(path: &str) -> Result<Self, crate::Error> {
        Self::find(path).map_err(crate::Error::from)
    }

    pub(crate) fn find(path: &str) -> Result<Self, Unusable> {
        let mut content = Self { files: Vec::new() };
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            content.add_folder(Path::new(path))?;
        } else if metadata.is_file() {
            content.add_file(Path::new(path), metadata.len())?;
        } else {
            return Err(unusable(format!("`{path}` is neither a file nor a folder"), READABLE));
        }
        let length = content.length();
        if length == 0 {
            let message = format!("there is not a single byte in `{path}`");
            return Err(unusable(message, "name a file or a folder with something in it"));
        }
        if length > LARGEST_IN_PIECES {
            let message = format!("the {length} bytes in `{path}` are more than can be swarmed");
            return Err(unusable(message, "less than 4GiB; at most 16MiB for most overlays"));
        }
        Ok(content)
    }

    /// How long it is, in bytes: at least 1, and less than 4 GiB.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.files.last().map_or(0, |file| file.begin + file.length)
    }

    /// The SHA-1 of each piece of this many bytes (at least 1), the last one being shorter; read
    /// and hashed as it is iterated. A piece is an error if its file cannot be read any more, or is
    /// shorter than it was.
    pub fn piece_hashes(
        &self,
        piece_length: u32,
    ) -> impl ExactSizeIterator<Item = io::Result<[u8; 20]>> {
        let mut reader = Reader::new(Arc::new(self.clone()));
        let (length, piece_length) = (self.length(), u64::from(piece_length));
        let mut piece = Vec::new();
        // At most 2^32 bytes are at most so many pieces.
        (0..length.div_ceil(piece_length) as usize).map(move |index| {
            let begin = index as u64 * piece_length;
            piece.resize((length - begin).min(piece_length) as usize, 0);
            reader.read(begin, &mut piece)?;
            Ok(Sha1::digest(&piece).into())
        })
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), Unusable> {
        let list = || -> io::Result<Vec<_>> {
            let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            Ok(entries)
        };
        let name = folder.display().to_string();
        for entry in list().map_err(|error| unreadable(&name, &error))? {
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| unreadable(&name, &error))?;
            // A link that leads nowhere, or back up, is no file.
            let metadata = fs::metadata(&path);
            match metadata {
                _ if kind.is_dir() => self.add_folder(&path)?,
                Ok(metadata) if metadata.is_file() => self.add_file(&path, metadata.len())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, length: u64) -> Result<(), Unusable> {
        let Some(name) = path.to_str() else {
            let message = format!("the name of `{}` is not UTF-8", path.display());
            return Err(unusable(message, "rename it"));
        };
        File::open(path).map_err(|error| unreadable(name, &error))?;
        if length > 0 {
            self.files.push(Extent { path: name.to_owned(), begin: self.length(), length });
        }
        if self.files.len() > MOST_FILES {
            let message = format!("there are more than {MOST_FILES} files");
            return Err(unusable(message, "pack them into one"));
        }
        Ok(())
    }
}

/// Reads content, and keeps the file it read last open.
#[derive(Debug)]
pub struct Reader {
    content: Arc<Content>,
    open: Option<(usize, File)>,
}

impl Reader {
    /// Nothing is open yet.
    #[must_use]
    pub const fn new(content: Arc<Content>) -> Self {
        Self { content, open: None }
    }

    /// Fills the buffer with the bytes from an offset on.
    ///
    /// # Errors
    /// If they reach beyond the end, or a file cannot be read any more, or is shorter than it was;
    /// what the buffer holds then has no meaning.
    pub fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let content = Arc::clone(&self.content);
        let mut index = content.files.partition_point(|file| file.begin + file.length <= offset);
        let (mut offset, mut rest) = (offset, into);
        while !rest.is_empty() {
            let file = content.files.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
            let within = offset - file.begin;
            let length = (file.length - within).min(rest.len() as u64);
            let (now, later) = rest.split_at_mut(length as usize);
            self.file(index, &file.path)?.read_exact_at(now, within)?;
            (offset, rest, index) = (offset + length, later, index + 1);
        }
        Ok(())
    }

    fn file(&mut self, index: usize, path: &str) -> io::Result<&File> {
        let open = match self.open.take() {
            Some(open) if open.0 == index => open,
            _ => (index, File::open(path)?),
        };
        Ok(&self.open.insert(open).1)
    }
}

fn unreadable(path: &str, error: &io::Error) -> Unusable {
    unusable(format!("cannot read the content `{path}`: {error}"), READABLE)
}

const fn unusable(message: String, help: &'static str) -> Unusable {
    Unusable { message, help, position: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn open(folder: &tempfile::TempDir) -> Result<Content, Unusable> {
        Content::find(folder.path().to_str().unwrap())
    }

    #[test]
    fn a_folder_is_its_files_in_the_order_of_their_paths() {
        let files: [(&str, &[u8]); 4] =
            [("b", b"third"), ("a/z", b"second"), ("a/b/c", b"first"), ("a/nothing", b"")];
        let folder = folder(&files);
        symlink(folder.path(), folder.path().join("a/loop")).unwrap();
        symlink(folder.path().join("b"), folder.path().join("link")).unwrap();
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        let content = open(&folder).unwrap();
        let whole = b"firstsecondthirdthird";
        assert_eq!(content.length(), whole.len() as u64);
        let mut reader = Reader::new(Arc::new(content.clone()));
        for begin in 0..whole.len() {
            for end in begin..=whole.len() {
                let mut bytes = vec![0; end - begin];
                reader.read(begin as u64, &mut bytes).unwrap();
                assert_eq!(bytes, whole[begin..end]);
            }
        }
        assert!(reader.read(20, &mut [0; 2]).is_err(), "beyond the end");
        let hashes: Vec<_> = content.piece_hashes(8).map(Result::unwrap).collect();
        let expected: Vec<[u8; 20]> = whole.chunks(8).map(|it| Sha1::digest(it).into()).collect();
        assert_eq!(hashes, expected);
    }

    #[test]
    fn what_cannot_be_swarmed_is_refused() {
        let message = |of: Result<Content, Unusable>| of.unwrap_err().message;
        assert!(message(Content::find("/no/such/thing")).contains("cannot read"));
        assert!(message(Content::find("/dev/null")).contains("neither a file nor a folder"));
        assert!(message(open(&folder(&[("a", b"")]))).contains("not a single byte"));
        let huge = folder(&[("huge", b"")]);
        let file = File::create(huge.path().join("huge")).unwrap();
        file.set_len(1 << 32).unwrap();
        assert!(message(open(&huge)).contains("4294967296 bytes"));
        file.set_len((1 << 32) - 1).unwrap();
        assert_eq!(open(&huge).unwrap().length(), (1 << 32) - 1);
    }

    #[test]
    fn a_file_that_shrank_is_noticed_when_it_is_read() {
        let folder = folder(&[("a", b"0123456789")]);
        let content = open(&folder).unwrap();
        fs::write(folder.path().join("a"), b"01234").unwrap();
        let is_read: Vec<_> = content.piece_hashes(4).map(|hash| hash.is_ok()).collect();
        assert_eq!(is_read, [true, false, false]);
        let mut reader = Reader::new(Arc::new(content));
        assert!(reader.read(0, &mut [0; 5]).is_ok());
        assert!(reader.read(4, &mut [0; 2]).is_err());
    }
}
