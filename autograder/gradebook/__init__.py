"""Apply corrections, submission times and late deductions to results."""
