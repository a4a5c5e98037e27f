"""The application: settings, wiring, HTTP and the command line. The only place that builds adapters."""
