//! What a person sees of a stored run: text and tables, made from its folder and nothing else.
//!
//! Everything here returns strings; who calls it prints them. [`Summary`] holds what is to be
//! shown, already in words and figures, and each way to show it is a module of its own.

pub mod comparison;
mod course;
mod endings;
mod explain;
pub mod export;
mod figures;
pub mod freeloading;
pub mod gate;
mod layout;
pub mod lesson;
mod loads;
mod markdown;
mod notes;
mod numbers;
pub mod page;
pub mod statistics;
mod summary;
pub mod sweep;
mod terminal;

pub use comparison::{Comparison, ComparisonError, compare};
pub use explain::{explain, list};
pub use freeloading::{Freeloading, freeloading};
pub use lesson::lesson;
pub use page::Page;
pub use summary::{Block, Part, Row, Summary, Table, summary};
pub use sweep::{Sweep, sweep};
