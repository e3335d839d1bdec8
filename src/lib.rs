//! `wcapd`: a calendar server that speaks WCAP and CAP from one core on one embedded store.
//!
//! ```text
//! 5 roof    main  app  cli  config  observe
//! 4 doors   wcap  cap  web  admin  ldap  host  codes  dispatch  guard  tls  origin
//! 3 core    core
//! 2 store   store
//! 1 model   model
//! 0 ground  ical  text  limits  metric
//! ```
//!
//! Imports point down or within a floor's own folder; doors never import one another.

pub mod admin;
pub mod app;
pub mod cap;
pub mod cli;
pub mod codes;
pub mod config;
pub mod core;
pub mod dispatch;
pub mod guard;
pub mod host;
pub mod ical;
pub mod ldap;
pub mod limits;
pub mod metric;
pub mod model;
pub mod observe;
pub mod origin;
pub mod store;
pub mod text;
pub mod tls;
pub mod wcap;
pub mod web;
