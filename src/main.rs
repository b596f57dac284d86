//! Parses arguments, runs one command, prints the error chain, sets the exit code.
fn main() -> anyhow::Result<()> {
    env_logger::Builder::new().parse_filters("warn").init();
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|a| a == "demo") {
        return spendbar::app::demo(true, Some(args[2].parse()?));
    }
    let app = spendbar::app::App::from_environment()?;
    spendbar::app::run(&app, true, args.get(1).and_then(|a| a.parse().ok()))
}
