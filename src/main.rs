//! The program: everything is the library's, see [`wcapd::cli`].

fn main() -> std::process::ExitCode {
    wcapd::cli::main()
}
