"""Routes of developers, accounts, org trees and teams."""
