//! A bill as a table of at most 100 columns, without colour, for up to ten million invocations of a function.

use std::fmt::{self, Display, Write};

use super::{Bill, UnitOfWorkBill};
use crate::prices::Amount;

/// The widths of the cells; the first is left-aligned. With the spaces between them, they make 99 columns.
const FUNCTIONS: [usize; 9] = [23, 8, 5, 12, 10, 8, 6, 7, 12];
const ROUTES: [usize; 4] = [47, 8, 15, 16];

impl Bill {
    /// The bill as text, with the price of a unit of work if there was any.
    #[must_use]
    pub fn table(&self, work: Option<&UnitOfWorkBill>) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = self.write_table(&mut text, work);
        text
    }

    fn write_table(&self, text: &mut String, work: Option<&UnitOfWorkBill>) -> fmt::Result {
        writeln!(
            text,
            "List prices of {} as of {}, without free tier, in USD",
            self.region, self.prices_as_of
        )?;
        writeln!(text)?;
        let head = ["function", "calls", "cold", "GB-s", "reads", "writes", "SQS", "log KB", "USD"];
        row(text, &FUNCTIONS, head)?;
        for function in &self.functions {
            let reads =
                format!("{}{}", function.units.read_half_units / 2, half(function.units.read_half_units));
            let cells: [&dyn Display; 9] = [
                &function.name,
                &function.invocations,
                &function.cold_starts,
                &function.gb_seconds,
                &reads,
                &function.units.write_units,
                &function.sqs_requests,
                &function.log_bytes.div_ceil(1024),
                &usd(function.total),
            ];
            row(text, &FUNCTIONS, cells)?;
        }
        for poller in &self.pollers {
            let name = format!("polling {}", poller.queue);
            row(
                text,
                &FUNCTIONS,
                [&name, "", "", "", "", "", &poller.requests.to_string(), "", &usd(poller.total)],
            )?;
        }
        if !self.routes.is_empty() {
            writeln!(text)?;
            row(text, &ROUTES, ["route (with its function)", "requests", "USD", "USD a request"])?;
        }
        for route in &self.routes {
            let cells: [&dyn Display; 4] =
                [&route.route, &route.requests, &usd(route.total), &usd(route.per_request)];
            row(text, &ROUTES, cells)?;
        }
        writeln!(text)?;
        self.write_totals(text, work)
    }

    fn write_totals(&self, text: &mut String, work: Option<&UnitOfWorkBill>) -> fmt::Result {
        let total = &self.total;
        let parts = [
            ("Lambda requests", total.requests),
            ("Lambda compute", total.compute),
            ("  of it cold starts", total.cold_start),
            ("HTTP API", total.api),
            ("DynamoDB", total.dynamodb),
            ("SQS", total.sqs),
            ("SQS polling", total.polling),
            ("CloudWatch Logs", total.logs),
            ("total", total.total),
            ("  all on arm64", total.total_arm64),
            ("  all on x86_64", total.total_x86_64),
        ];
        for (name, amount) in parts {
            writeln!(text, "{name:<22} {:>14}", usd(amount))?;
        }
        if let Some(UnitOfWorkBill { name, price }) = work {
            writeln!(text)?;
            writeln!(text, "{:<22} {:>14}", format!("per {name}, of {}", price.units), usd(price.one))?;
            writeln!(text, "{:<22} {:>14}", format!("per million {name}s"), price.million.dollars(2))?;
        }
        Ok(())
    }
}

/// With nine decimals, because a request costs some millionths of a dollar.
fn usd(amount: Amount) -> String {
    amount.dollars(9)
}

fn half(halves: u64) -> &'static str {
    if halves.is_multiple_of(2) { "" } else { ".5" }
}

/// Writes a line of cells. A name that is too long is truncated, a number never is.
fn row<const N: usize>(text: &mut String, widths: &[usize; N], cells: [impl Display; N]) -> fmt::Result {
    let mut line = String::new();
    for (position, (width, cell)) in widths.iter().zip(cells).enumerate() {
        if position == 0 {
            write!(line, "{:<width$.width$}", cell.to_string())?;
        } else {
            write!(line, " {:>width$}", cell.to_string())?;
        }
    }
    writeln!(text, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use crate::{
        bill::{FunctionUsage, PollerUsage, RouteUsage, Usage, price},
        prices::PriceList,
        rules::RequestUnits,
    };

    fn table(invocations: u64) -> String {
        let function = FunctionUsage {
            name: "create-order".to_owned(),
            memory_mb: 256,
            invocations,
            cold_starts: 4,
            billed_duration_ms: invocations * 12,
            init_duration_ms: 40,
            log_bytes: invocations * 600,
            units: RequestUnits { read_half_units: invocations * 3, write_units: invocations * 6 },
            ..FunctionUsage::default()
        };
        let usage = Usage {
            functions: vec![function],
            routes: vec![RouteUsage {
                route: "POST /orders".to_owned(),
                function: Some("create-order".to_owned()),
                requests: invocations,
                metered_requests: invocations,
            }],
            pollers: vec![PollerUsage {
                queue: "payments-with-a-very-long-name-indeed".to_owned(),
                requests: 20,
            }],
        };
        let bill = price(&usage, "us-east-1", &PriceList::built_in().unwrap()).unwrap();
        bill.table(bill.per_unit_of_work("order", invocations).as_ref())
    }

    #[test]
    fn a_table_fits_100_columns() {
        for invocations in [1, 1001, 9_999_999] {
            let table = table(invocations);
            assert!(table.lines().all(|line| line.len() <= 100), "{table}");
        }
    }

    #[test]
    fn figures_stand_below_their_heads() {
        let table = table(1001);
        let lines: Vec<&str> = table.lines().collect();
        let function = lines.iter().find(|line| line.starts_with("create-order")).unwrap();
        assert_eq!(
            function.split_whitespace().collect::<Vec<_>>()[..8],
            ["create-order", "1001", "4", "3.003000", "1501.5", "6006", "0", "587"]
        );
        let head = lines.iter().find(|line| line.starts_with("function")).unwrap();
        assert_eq!(head.len(), function.len());
        assert_eq!(head.find("cold").unwrap() + 3, function.find(" 4 ").unwrap() + 1);
        assert!(table.contains("per million orders"));
    }
}
